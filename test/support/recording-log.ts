import { createLog, type ServerLog } from '../../src/server/log.js';

/** A log whose lines, notices and warnings, go to `write`. */
export function recordingLog(write: (line: string) => void): ServerLog {
  return createLog({
    level: 'notice',
    format: 'redis',
    file: '',
    clock: () => 0,
    pid: 1,
    role: 'M',
    write,
  });
}
