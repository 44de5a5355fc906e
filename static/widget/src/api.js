/** The HTTP side of the service: session, history and sending without a socket. */

export class ApiError extends Error {
  /** `status` 0 means the network failed. `retryAfter` is in seconds. */
  constructor(status, code, retryAfter = 0) {
    super(`${code} (${status})`);
    Object.assign(this, { status, code, retryAfter });
  }

  /** Whether the same request may succeed at another time. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export class Api {
  token = null;
  #base;

  constructor(origin, channel) {
    this.#base = `${origin}/api/v2/webchat/${encodeURIComponent(channel)}`;
  }

  session(body) {
    return this.#call("/session", { method: "POST", body: JSON.stringify(body) });
  }

  /** One page of frames, oldest first: those after a seq, or the last ones before it. */
  messages(range) {
    return this.#call(`/messages?${new URLSearchParams({ ...range, limit: 50 })}`);
  }

  /** Sends one frame and returns its ack. */
  post(frame) {
    return this.#call("/messages", { method: "POST", body: JSON.stringify(frame) });
  }

  /** Sends a file: `done` resolves to what was stored; `progress(share)` is called meanwhile, `stop()` ends it. */
  upload(file, progress) {
    const request = new XMLHttpRequest();
    const { name, type, size } = file;
    const ticket = this.#call("/files", { method: "POST", body: JSON.stringify({ name, type, size }) });
    const done = ticket.then(
      ({ url }) =>
        new Promise((stored, failed) => {
          request.open("POST", new URL(url, this.#base));
          request.responseType = "json";
          request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
          request.onload = () => {
            const { status, response } = request;
            if (status === 200) stored(response.data);
            else failed(new ApiError(status, response?.error?.code ?? "unreadable"));
          };
          request.onerror = request.onabort = () => failed(new ApiError(0, "network"));
          request.send(file);
        }),
    );
    return { done, stop: () => request.abort() };
  }

  async #call(path, request = {}) {
    const headers = {};
    if (request.body) headers["Content-Type"] = "application/json";
    if (this.token && path !== "/session") headers.Authorization = `Bearer ${this.token}`;
    let response;
    try {
      response = await fetch(this.#base + path, { ...request, headers, credentials: "omit", cache: "no-store" });
    } catch {
      throw new ApiError(0, "network");
    }
    const answer = await response.json().catch(() => null);
    if (response.ok && answer?.status === "success") return answer.data;
    const wait = Number(response.headers.get("Retry-After") ?? answer?.error?.details?.retry_after_s) || 0;
    throw new ApiError(response.ok ? 502 : response.status, answer?.error?.code ?? "unreadable", wait);
  }
}
