// The WebSocket to the gateway, which is found again after a break.

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

/** Calls `onMessage` with every message, `onChange` with `{open, retryAt}` when that changes. */
export function connect({ onMessage, onChange }) {
  const token = new URLSearchParams(location.search).get("token") ?? "";
  const address = `ws://${location.host}/feed?token=${encodeURIComponent(token)}`;
  let retryMs = FIRST_RETRY_MS;

  function open() {
    const socket = new WebSocket(address);
    socket.addEventListener("open", () => {
      retryMs = FIRST_RETRY_MS;
      onChange({ open: true, retryAt: null });
    });
    socket.addEventListener("message", (event) => onMessage(JSON.parse(event.data)));
    socket.addEventListener("close", () => {
      onChange({ open: false, retryAt: performance.now() + retryMs });
      setTimeout(open, retryMs);
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
    });
  }

  open();
}
