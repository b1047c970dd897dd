// Numbers and times as they are read.

export const STREAMS = ["text", "audio", "vision"];

/** At and below it a stream is hatched; nothing is switched by it. */
export const RELIABLE = 0.5;

/** With a sign and a real minus: +0.31, −0.20. */
export function signed(value) {
  const rounded = Math.abs(value).toFixed(2);
  if (rounded === "0.00") return "0.00";
  return (value < 0 ? "−" : "+") + rounded;
}

/** Seconds as 1:23 or 1:02:03, with tenths where asked for. */
export function clock(seconds, digits = 0) {
  const scale = 10 ** digits;
  const whole = Math.max(0, Math.floor(seconds * scale + 1e-6)) / scale;
  const rest = (whole % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** What a window says in words. */
export function estimateText(message) {
  if (!message.sentiment) return `no estimate: ${message.reason ?? "no reason given"}`;
  const { value, uncertainty, label } = message.sentiment;
  return `${label} ${signed(value)} ± ${uncertainty.toFixed(2)}`;
}

/** What a stream's reliability says in words. */
export function reliabilityText(reliability) {
  if (!reliability) return "off";
  const reason = reliability.reason && reliability.value <= RELIABLE ? `, ${reliability.reason}` : "";
  return reliability.value.toFixed(2) + reason;
}
