/**
 * The thread that writes a snapshot's file, so that neither the checksum nor the disk holds up the event loop. Gets
 * chunks, and `null` for the end; answers with the number of bytes written, then with 'done' or the text of an error.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { systemFiles } from './files.js';
import { SnapshotFile, SnapshotFileError, type SnapshotFileOptions } from './snapshot-file.js';

/** What the two threads share: whether the file still may, or must not, get its name. */
export const Fate = { open: 0, committed: 1, abandoned: 2 } as const;

export interface SnapshotThreadData {
  options: SnapshotFileOptions;
  fate: Int32Array;
}

export type SnapshotThreadReport = { written: number } | { done: true } | { failure: string };

if (parentPort !== null && isOurs(workerData)) serve(parentPort, workerData);

function isOurs(data: unknown): data is SnapshotThreadData {
  return typeof data === 'object' && data !== null && 'fate' in data && 'options' in data;
}

function serve(port: NonNullable<typeof parentPort>, { options, fate }: SnapshotThreadData): void {
  const report = (message: SnapshotThreadReport) => port.postMessage(message);
  let file: SnapshotFile | undefined;
  const mayCommit = () => Atomics.compareExchange(fate, 0, Fate.open, Fate.committed) === Fate.open;
  const take = (chunk: Uint8Array | null) => {
    if (file === undefined) return;
    if (Atomics.load(fate, 0) === Fate.abandoned) {
      file.close();
      file = undefined;
    } else if (chunk === null) {
      file.commit(mayCommit);
      report({ done: true });
    } else {
      file.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      report({ written: chunk.byteLength });
    }
  };
  const guarded = (work: () => void) => {
    try {
      work();
    } catch (error) {
      file = undefined;
      report({ failure: error instanceof SnapshotFileError ? error.message : String(error) });
    }
  };
  guarded(() => {
    file = new SnapshotFile(systemFiles, options);
  });
  port.on('message', (chunk: Uint8Array | null) => guarded(() => take(chunk)));
}
