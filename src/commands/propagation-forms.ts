import type { Bytes } from '../bytes/bytes.js';
import type { Call } from './command.js';

/** What commands say alike when they are propagated as something else than they came. */

/** The command is propagated as the removal of a key; `freedLater` says that this happens in the background. */
export function propagateRemoval(call: Call, key: Bytes, freedLater: boolean): void {
  if (call.propagates) call.propagateAs([freedLater ? 'UNLINK' : 'DEL', key]);
}
