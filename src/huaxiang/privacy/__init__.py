"""What a person may ask of the shop that keeps data of them: erasure with a receipt, export, who read their profile."""

from huaxiang.privacy.audit import Audit
from huaxiang.privacy.erasure import erase
from huaxiang.privacy.export import export
from huaxiang.privacy.receipt import Receipt, open_receipt

__all__ = ["Audit", "Receipt", "erase", "export", "open_receipt"]
