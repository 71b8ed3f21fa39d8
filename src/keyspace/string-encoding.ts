import { isInt64 } from '../bytes/integers.js';
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import { kinds } from './kinds.js';

/** The longest string that Redis keeps in one block with its header. */
const maxEmbeddedLength = 44;

export type StringEncoding = 'int' | 'embstr' | 'raw';

/**
 * What OBJECT ENCODING and DEBUG OBJECT say of a string. Respite keeps every string as its bytes, so the
 * answer is worked out when somebody asks, from the bytes and from how the string came to be.
 */
export function stringEncodingName(database: Database, ref: Ref): StringEncoding {
  const kind = database.kindOf(ref);
  if (kind === kinds.editedString) return 'raw';
  const { buffer, start, end } = database.payload(ref);
  if (kind !== kinds.textString && isInt64(buffer, start, end)) return 'int';
  return end - start <= maxEmbeddedLength ? 'embstr' : 'raw';
}
