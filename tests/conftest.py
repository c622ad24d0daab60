"""What all tests share: the line that says how many were skipped for want of public data."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count tests marked `data` that found no data; each has a twin that runs on a small file of its own."""
    marked = [report for found in terminalreporter.stats.values() for report in found if _is_marked(report)]
    skipped = [report for report in marked if report.outcome == "skipped"]
    calls = {report.nodeid for report in marked}
    terminalreporter.write_line(
        f"{len(skipped)} of {len(calls)} tests that need public data were skipped for want of it"
    )


def _is_marked(report: object) -> bool:
    return isinstance(report, pytest.TestReport) and "data" in report.keywords
