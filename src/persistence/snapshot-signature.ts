import type { FileSystem } from './files.js';
import { rdbSignature } from './rdb-types.js';

/** True if an open file begins as an RDB file does; append-only files may. */
export function beginsAsSnapshot(files: FileSystem, fd: number): boolean {
  const start = Buffer.alloc(rdbSignature.length);
  files.readSync(fd, start, 0, start.length, 0);
  return start.toString('latin1') === rdbSignature;
}
