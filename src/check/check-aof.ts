import { AofFormatError, AofReader } from '../persistence/aof-reader.js';
import type { FileSystem } from '../persistence/files.js';

/** What is in the commands of an append-only file, up to where they break. */
export interface AofReport {
  /** Numbers of commands by name, lower case. */
  commands: Map<string, number>;
  transactions: number;
  /** Unix times in s of the first and the last `#TS:` line, 0 if there is none. */
  firstTimestamp: number;
  lastTimestamp: number;
  /** Bytes of the file, and of them those up to the last whole command that is not inside an open transaction. */
  size: number;
  wholeUpTo: number;
  /** What is wrong, and where. */
  problem: string | undefined;
}

/** So many different names are counted; hostile files may have more. */
const mostNames = 1000;

/**
 * Reads the commands of a file from an offset on, one after the other, without running them. Throws what the file
 * system throws.
 */
export function checkAof(files: FileSystem, fd: number, from: number): AofReport {
  const { size } = files.fstatSync(fd);
  const report: AofReport = {
    commands: new Map(),
    transactions: 0,
    firstTimestamp: 0,
    lastTimestamp: 0,
    size,
    wholeUpTo: from,
    problem: undefined,
  };
  const reader = new AofReader(files, fd, from, size);
  let open = false;
  try {
    for (;;) {
      const found = reader.next();
      if (report.firstTimestamp === 0) report.firstTimestamp = reader.timestamp;
      report.lastTimestamp = reader.timestamp;
      if (found !== true) {
        report.problem = endProblem(report, reader, found === 'truncated', open);
        return report;
      }
      open = noteCommand(report, reader, open);
      if (!open) report.wholeUpTo = reader.offset;
    }
  } catch (error) {
    if (!(error instanceof AofFormatError)) throw error;
    report.problem = error.message;
  }
  return report;
}

function endProblem(
  report: AofReport,
  reader: AofReader,
  truncated: boolean,
  open: boolean,
): string | undefined {
  if (truncated) return `the file ends inside a command, at offset ${reader.offset}`;
  if (open) return `the file ends inside a transaction, which begins at offset ${report.wholeUpTo}`;
  report.wholeUpTo = reader.offset;
  return undefined;
}

/** Counts a command. Returns whether a transaction is open behind it. */
function noteCommand(report: AofReport, { args, offset }: AofReader, open: boolean): boolean {
  const { commands } = report;
  const [first] = args;
  const name = first.buffer
    .toString('latin1', first.start, Math.min(first.end, first.start + 32))
    .toLowerCase();
  if (commands.has(name) || commands.size < mostNames) commands.set(name, (commands.get(name) ?? 0) + 1);
  if (name === 'multi') {
    if (open) throw new AofFormatError(offset, 'MULTI inside a transaction before the byte');
    report.transactions++;
    return true;
  }
  if (name === 'exec' && !open) throw new AofFormatError(offset, 'EXEC without MULTI before the byte');
  return open && name !== 'exec';
}
