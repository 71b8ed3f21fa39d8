import type { Bytes } from '../bytes/bytes.js';
import { INT64_MAX } from '../bytes/integers.js';
import type { Call } from './command.js';

/** What commands say alike when they are propagated as something else than they came. */

/** The command is propagated as the removal of a key; `freedLater` says that this happens in the background. */
export function propagateRemoval(call: Call, key: Bytes, freedLater: boolean): void {
  if (call.propagates) call.propagateAs([freedLater ? 'UNLINK' : 'DEL', key]);
}

/**
 * The text of a time in ms. Beyond 2^53 a number is rounded, to one that 64 bits may not hold, and its usual text may
 * be in powers of ten.
 */
export function integerText(n: number): string {
  if (Number.isSafeInteger(n)) return String(n);
  const exact = BigInt(n);
  return String(exact > INT64_MAX ? INT64_MAX : exact);
}
