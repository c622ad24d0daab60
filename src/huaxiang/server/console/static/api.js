// The shop's HTTP API. Every failure is an ApiError that says what to show; nothing is swallowed.

const KEY = "huaxiang.key";

/** A failed call: `status` 0 means that no answer came. */
export class ApiError extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    Object.assign(this, { status, title, detail });
  }

  get isGone() { return this.status === 0; }
  get needsKey() { return this.status === 401; }
  get needsRelease() { return this.status === 503 && this.title === "No usable release"; }
}

/** `askKey(isWrong)` is asked for the API key when the server wants one; `heard` is told of each answer's milliseconds. */
export function createApi({ askKey, heard }) {
  let key = sessionStorage.getItem(KEY) ?? "";
  let asking = null;
  let ahead = null;
  const clock = () => performance.timeOrigin + performance.now(); // steady where the machine's own clock is set anew

  async function send(path, { method = "GET", body, signal, again = true } = {}) {
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key) headers["X-API-Key"] = key;
    const used = key;
    let answer;
    try {
      answer = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, "unreachable", String(error.message));
    }
    if (answer.status === 401 && again) {
      await renewKey(used);
      return send(path, { method, body, signal });
    }
    return answer;
  }

  async function renewKey(used) {
    if (key !== used) return;
    asking ??= askKey(Boolean(used)).then((given) => {
      key = given;
      sessionStorage.setItem(KEY, given);
      asking = null;
    });
    await asking;
  }

  async function json(path, options) {
    const answer = await send(path, options);
    const body = await answer.json().catch(() => null);
    if (!answer.ok) throw new ApiError(answer.status, body?.title ?? answer.statusText, body?.detail ?? "");
    if (typeof body?.took_ms === "number") heard(body.took_ms);
    return body;
  }

  /** An answer as it came, for a file. */
  async function file(path) {
    const answer = await send(path);
    if (answer.ok) return answer.blob();
    const body = await answer.json().catch(() => null);
    throw new ApiError(answer.status, body?.title ?? answer.statusText, body?.detail ?? "");
  }

  const user = (id) => `/v1/users/${encodeURIComponent(id)}`;
  const query = (said) => {
    const text = new URLSearchParams(Object.entries(said).filter(([, value]) => value !== null && value !== undefined)).toString();
    return text ? `?${text}` : "";
  };

  return {
    send,
    /** {status, release}; a 503 is an answer here: no release yet. */
    async health() {
      const answer = await send("/health/ready", { again: false });
      const body = await answer.json().catch(() => null);
      if (!body || !("release" in body)) throw new ApiError(answer.status, answer.statusText, body?.detail ?? "");
      return body;
    },
    users: (limit, after) => json(`/v1/users${query({ limit, after })}`),
    async profile(id, asOf) {
      const profile = await json(`${user(id)}/profile${query({ as_of: asOf })}`);
      if (!asOf) ahead = Math.max(ahead ?? -Infinity, Date.parse(profile.as_of) - clock()); // each answer is late by its way here
      return profile;
    },
    evidence: (id, limit, asOf) => json(`${user(id)}/profile/evidence${query({ limit, as_of: asOf })}`),
    edit: (id, edits) => json(`${user(id)}/profile`, { method: "PATCH", body: { edits } }),
    exported: (id) => file(`${user(id)}/export`),
    erase: (id) => json(`${user(id)}/profile`, { method: "DELETE" }),
    item: (id) => json(`/v1/items/${encodeURIComponent(id)}`),
    similar: (id, k) => json(`/v1/items/${encodeURIComponent(id)}/similar${query({ k })}`),
    recommend: (id, k, asOf, explain = true) => json("/v1/recommend", { method: "POST", body: { user_id: id, k, explain, ...(asOf ? { as_of: asOf } : {}) } }),
    search: (asked) => json("/v1/search", { method: "POST", body: asked }),
    suggest: (q, k, id) => json(`/v1/suggest${query({ q, k, user_id: id })}`),
    audience: (asked) => json("/v1/audiences", { method: "POST", body: asked }),
    events: (events) => json("/v1/events", { method: "POST", body: events }),
    /** Now by the server's clock, never ahead of it, so that an event counts in the very next profile; nor behind by
     * what this clock is slow, for the latest consent decides. */
    now: () => new Date(clock() + (ahead ?? 0)).toISOString(),
  };
}

/** What the shop says of items, each asked for once; unknown items are null. */
export function createItems(api) {
  const known = new Map();
  const names = new Map();
  return {
    /** Take names in; null: the catalogue has no such item, which need not be asked. */
    learn(said) {
      for (const [id, name] of Object.entries(said ?? {})) {
        if (name) names.set(id, name);
        else if (name === null) known.set(id, Promise.resolve(null));
      }
    },
    forget(id) { known.delete(id); names.delete(id); },
    name: (id) => names.get(id),
    get(id) {
      if (!known.has(id)) {
        const asked = api.item(id).then((item) => {
          if (item.name) names.set(id, item.name);
          return item;
        }, (error) => {
          if (error.status === 404) return null;
          known.delete(id);
          throw error;
        });
        known.set(id, asked);
      }
      return known.get(id);
    },
  };
}
