import { blockThread } from '../ambient/block-thread.js';
import type { Bytes } from '../bytes/bytes.js';
import { systemErrorText } from '../config/files.js';
import { ArenaFullError } from '../memory/arena.js';
import { FileSource } from '../persistence/byte-source.js';
import { loadRdbInSteps } from '../persistence/load-rdb.js';
import type { RdbLoadOptions, RdbSummary } from '../persistence/rdb-load.js';
import { RdbError } from '../persistence/rdb-reader.js';
import { CommandError } from '../protocol/errors.js';
import { humanBytes } from './human-bytes.js';
import { LoadError } from './load-error.js';
import type { LoadingProgress } from './loading-progress.js';
import type { RespiteServer } from './server.js';

/** What else somebody wants to hear of a file. */
export type RdbListener = Pick<RdbLoadOptions, 'onAuxiliary' | 'onExpired'>;

export interface RdbLoadingOptions extends RdbListener {
  /** Keys that are there already are replaced; without, they are an error. */
  replace?: boolean;
  /** The file is the beginning of an append-only file: what has expired is for its commands to remove. */
  preamble?: boolean;
}

/**
 * Loads an RDB file, or the snapshot that an append-only file begins with, and writes to the log what it brings. Yields
 * now and then, so that clients can be told to wait; run to its end at once it does the same in one go. `progress`
 * follows it. Throws LoadError.
 */
export function* loadRdbFile(
  server: RespiteServer,
  path: string,
  progress: LoadingProgress,
  { replace = false, preamble = false, ...listener }: RdbLoadingOptions = {},
): Generator<void, RdbSummary> {
  const { files, keyspace, config } = server;
  const fd = openFile(server, path);
  try {
    const source = new FileSource(files, fd);
    const options = loadOptions(server, progress, replace, preamble, listener);
    const before = progress.loadedBytes;
    const everyBytes = config.values['loading-process-events-interval-bytes'];
    const steps = loadRdbInSteps(keyspace, source, options, everyBytes);
    let summary: RdbSummary | undefined;
    while (summary === undefined) {
      const { done, value } = steps.next();
      if (done) summary = value;
      else {
        progress.loadedBytes = before + value;
        yield;
      }
    }
    const { keysLoaded, keysExpired, emptyKeysSkipped } = summary;
    server.log.notice(
      `Done loading RDB, keys loaded: ${keysLoaded}, keys expired: ${keysExpired}, empty keys skipped: ${emptyKeysSkipped}.`,
    );
    return summary;
  } catch (error) {
    if (error instanceof RdbError) {
      server.log.warning(`Bad data in ${path}: ${error.message}. See: respite check ${path}`);
    }
    throw loadError(path, error);
  } finally {
    files.closeSync(fd);
  }
}

function openFile({ files }: RespiteServer, path: string): number {
  try {
    return files.openSync(path, 'r');
  } catch (error) {
    throw loadError(path, error);
  }
}

function loadError(path: string, error: unknown): unknown {
  const reason = reasonOf(error);
  if (reason === undefined) return error;
  return new LoadError(
    `Fatal error loading the DB from ${path}: ${reason}. Terminating server after rdb file reading failure.`,
  );
}

/** What is wrong with a file or with reading it, in words; undefined for a defect of ours. */
export function reasonOf(error: unknown): string | undefined {
  if (error instanceof RdbError) return error.message;
  if (error instanceof ArenaFullError) return `there is not enough memory for it (${error.message})`;
  if (error instanceof Error && 'syscall' in error) return systemErrorText(error);
  return undefined;
}

export function loadOptions(
  server: RespiteServer,
  progress: LoadingProgress,
  replace: boolean,
  preamble: boolean,
  listener: RdbListener = {},
): RdbLoadOptions {
  const { config, keyspace, log } = server;
  return {
    limits: config.values,
    unsanitized: config.values['sanitize-dump-payload'] !== 'yes',
    dropExpired: !preamble && !keyspace.keepExpired,
    duplicates: replace ? 'replace' : 'refuse',
    checksum: config.values.rdbchecksum && !server.debug.skipChecksums,
    onAuxiliary: (name, text) => {
      logAuxiliary(server, progress, name, text);
      listener.onAuxiliary?.(name, text);
    },
    onExpired: (database, key) => listener.onExpired?.(database, key),
    onFunction: (source) => loadLibrary(server, source, replace),
    onSkipped: (what) => log.warning(`Loading RDB: skipping ${what}`),
    onKey: () => {
      const { keyDelay } = server.dataSet;
      if (keyDelay !== 0) pauseAfterKey(server, keyDelay);
    },
  };
}

function loadLibrary({ scripting }: RespiteServer, source: Bytes, replace: boolean): void {
  try {
    scripting.functions.load(source.copy().buffer, replace);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new LoadError(`Failed creating the library of functions: ${error.message}`);
  }
}

/** Notes what a file says of itself, as far as it is known what that means. */
function logAuxiliary({ log, clock }: RespiteServer, progress: LoadingProgress, name: string, text: string) {
  if (name === 'redis-ver' || name === 'valkey-ver') log.notice(`Loading RDB produced by version ${text}`);
  else if (name === 'ctime') {
    const age = Math.max(0, Math.floor(clock.now() / 1000 - Number(text)));
    if (!Number.isNaN(age)) log.notice(`RDB age ${age} seconds`);
  } else if (name === 'used-mem') {
    const bytes = Number(text);
    if (Number.isNaN(bytes)) return;
    log.notice(`RDB memory usage when created ${(bytes / 1024 / 1024).toFixed(2)} Mb`);
    progress.usedMemoryWhenSaved = bytes;
  } else if (name === 'aof-base' && text === '1') log.notice('RDB is base AOF');
}

/** `key-load-delay`: microseconds; negative: so many keys for each microsecond. */
function pauseAfterKey({ random }: RespiteServer, delay: number): void {
  const microseconds = delay > 0 ? delay : random.next() * -delay < 1 ? 1 : 0;
  blockThread(microseconds / 1000);
}

/** How far a load is, for the log. */
export function progressText({ loadedBytes, totalBytes }: LoadingProgress, keys: number): string {
  const percent = Math.floor((loadedBytes / totalBytes) * 100);
  return `Loading DB in memory: ${percent}% (${humanBytes(loadedBytes)} of ${humanBytes(totalBytes)}), ${keys} keys`;
}
