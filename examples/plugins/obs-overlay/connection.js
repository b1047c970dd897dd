/** A WebSocket to the gateway that comes back by itself. */

const FIRST_PAUSE = 500; // ms
const LONGEST_PAUSE = 8000;

/**
 * Give every message from `url` to `onMessage`, and tell `onOpen` of each new connection. Whatever
 * ends a connection, it is tried again, after pauses that grow to LONGEST_PAUSE.
 */
export function connect(url, onOpen, onMessage) {
  let pause = FIRST_PAUSE;

  function open() {
    const socket = new WebSocket(url);
    socket.addEventListener("open", onOpen);
    socket.addEventListener("message", ({ data }) => {
      pause = FIRST_PAUSE;
      const message = parse(data);
      if (message !== null) onMessage(message);
    });
    socket.addEventListener("close", () => {
      setTimeout(open, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    });
  }

  open();
}

function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
