/** CURVE keys from a folder that `qamoe-stream keys` has made. */

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const READABLE_BY_OTHERS = 0o077;

/**
 * A client's keys and the session's public one, as a socket takes them.
 *
 * Throws RangeError where they are missing, damaged or open to others.
 */
export function clientKeys(folder) {
  const secret = join(folder, "client.key_secret");
  const keys = {
    curveServerKey: key(join(folder, "server.key"), "public-key"),
    curvePublicKey: key(secret, "public-key"),
    curveSecretKey: key(secret, "secret-key"),
  };
  if (process.platform !== "win32" && statSync(secret).mode & READABLE_BY_OTHERS) {
    throw new RangeError(`keys ${folder}: others may read it: chmod 600 ${secret}`);
  }
  return keys;
}

/** The key of this name, 40 characters of Z85, in a certificate of ZeroMQ (RFC 4 and 32). */
function key(file, name) {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new RangeError(`keys ${file}: ${error.code}`);
  }
  const found = new RegExp(`^\\s*${name}\\s*=\\s*"([!-~]{40})"\\s*$`, "m").exec(text);
  if (found === null) throw new RangeError(`keys ${file}: no ${name}`);
  return found[1];
}
