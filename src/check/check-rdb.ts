import { SystemClock } from '../ambient/clock.js';
import { unpredictableRandom } from '../ambient/random.js';
import type { Bytes } from '../bytes/bytes.js';
import { Config } from '../config/config.js';
import type { Database } from '../keyspace/database.js';
import { elementCount } from '../keyspace/element-count.js';
import { typeNames, ValueType } from '../keyspace/events.js';
import { Keyspace } from '../keyspace/keyspace.js';
import { kinds } from '../keyspace/kinds.js';
import type { Ref } from '../memory/arena.js';
import { FileSource } from '../persistence/byte-source.js';
import type { FileSystem } from '../persistence/files.js';
import { loadRdbAtOnce } from '../persistence/load-rdb.js';
import type { RdbSummary } from '../persistence/rdb-load.js';
import { RdbError } from '../persistence/rdb-reader.js';
import type { Stream } from '../values/stream.js';

/** A database's number is below this in every file that is looked at. */
const mostDatabases = 4096;
const biggestShown = 5;

/** What a file has of something: keys, and bytes of the file with their values. */
export interface Share {
  keys: number;
  bytes: number;
}

/** What the streams of a file have in all. */
export interface StreamShare {
  entries: number;
  groups: number;
  consumers: number;
  pending: number;
}

export interface Library {
  /** Empty if its first line gives it no name. */
  name: string;
  bytes: number;
}

export interface BigKey {
  /** Its first bytes, latin1. */
  name: string;
  database: number;
  type: string;
  /** Bytes of the file. */
  bytes: number;
  elements: number;
}

/** What is in an RDB file, up to where it breaks. */
export interface RdbReport {
  version: number;
  /** Names and texts that the file has about itself. */
  notes: Map<string, string>;
  libraries: Library[];
  /** What this server would pass over. */
  skipped: string[];
  types: Map<string, Share>;
  streams: StreamShare;
  databases: Map<number, { keys: number; expiring: number }>;
  /** Keys that would be left out, for their time has come. */
  expired: number;
  biggest: BigKey[];
  /** Where the data ends. Undefined if the file is broken. */
  end: number | undefined;
  hasChecksum: boolean;
  /** What is wrong, and where. */
  problem: string | undefined;
}

/**
 * Reads a whole RDB file, or the one that an append-only file begins with, value by value as a server does, and keeps
 * nothing of it but the report and the keys, so that one that is there twice is noticed. Throws what the file system
 * throws.
 */
export function checkRdb(files: FileSystem, fd: number): RdbReport {
  const report: RdbReport = {
    version: versionOf(files, fd),
    notes: new Map(),
    libraries: [],
    skipped: [],
    types: new Map(),
    streams: { entries: 0, groups: 0, consumers: 0, pending: 0 },
    databases: new Map(),
    expired: 0,
    biggest: [],
    end: undefined,
    hasChecksum: false,
    problem: undefined,
  };
  try {
    finish(report, readAll(files, fd, report));
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    report.problem = error.message;
  }
  return report;
}

function readAll(files: FileSystem, fd: number, report: RdbReport): RdbSummary {
  const keyspace = new Keyspace(new SystemClock(), unpredictableRandom(), mostDatabases);
  return loadRdbAtOnce(keyspace, new FileSource(files, fd), {
    limits: new Config().values,
    dropExpired: false,
    duplicates: 'refuse',
    checksum: true,
    onAuxiliary: (name, text) => noteText(report, name, text),
    onFunction: (source) => noteLibrary(report, source),
    onSkipped: (what) => {
      if (report.skipped.length < 100) report.skipped.push(what);
    },
    onKey: (database, ref, start, end) => {
      noteKey(report, database, ref, end - start);
      database.put(database.keyOf(ref).copy(), kinds.string, 0);
      while (keyspace.lazyFree.step(1e6));
    },
  });
}

/** What the header says, 0 if it is none: to be shown of broken files too. */
function versionOf(files: FileSystem, fd: number): number {
  const header = Buffer.alloc(9);
  files.readSync(fd, header, 0, header.length, 0);
  return Number(/^REDIS(\d{4})$/.exec(header.toString('latin1'))?.[1] ?? 0);
}

function finish(report: RdbReport, { end, hasChecksum }: RdbSummary): void {
  report.end = end;
  report.hasChecksum = hasChecksum;
}

function noteText({ notes }: RdbReport, name: string, text: string): void {
  if (notes.size < 100) notes.set(name.slice(0, 100), text.slice(0, 200));
}

function noteLibrary({ libraries }: RdbReport, { buffer, start, end, length }: Bytes): void {
  const firstLine =
    /^#![^\n]*/.exec(buffer.toString('latin1', start, Math.min(end, start + 1000)))?.[0] ?? '';
  const name = /\bname=(\w+)/.exec(firstLine)?.[1] ?? '';
  libraries.push({ name, bytes: length });
}

function noteStream({ streams }: RdbReport, stream: Stream): void {
  streams.entries += stream.size;
  for (const group of stream.groups.values()) {
    streams.groups++;
    streams.consumers += group.consumerCount;
    streams.pending += group.pending.size;
  }
}

function noteKey(report: RdbReport, database: Database, ref: Ref, bytes: number): void {
  const type = typeNames[database.typeOf(ref)];
  const share = report.types.get(type) ?? { keys: 0, bytes: 0 };
  share.keys++;
  share.bytes += bytes;
  report.types.set(type, share);
  const counts = report.databases.get(database.index) ?? { keys: 0, expiring: 0 };
  counts.keys++;
  if (database.expiry(ref) >= 0) counts.expiring++;
  report.databases.set(database.index, counts);
  if (database.isExpired(ref)) report.expired++;
  if (database.typeOf(ref) === ValueType.stream) noteStream(report, database.collection<Stream>(ref));
  noteBig(report.biggest, database, ref, type, bytes);
}

function noteBig(biggest: BigKey[], database: Database, ref: Ref, type: string, bytes: number): void {
  const least = biggest.at(-1);
  if (biggest.length === biggestShown && least !== undefined && least.bytes >= bytes) return;
  const { start, end, buffer } = database.keyOf(ref);
  const name = buffer.toString('latin1', start, Math.min(end, start + 100));
  biggest.push({ name, database: database.index, type, bytes, elements: elementCount(database, ref) });
  biggest.sort((a, b) => b.bytes - a.bytes);
  biggest.length = Math.min(biggest.length, biggestShown);
}
