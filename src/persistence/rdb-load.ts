import { Bytes } from '../bytes/bytes.js';
import { Crc64 } from '../bytes/crc64.js';
import { quoteWord } from '../bytes/words.js';
import { absent, type Database } from '../keyspace/database.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { kinds } from '../keyspace/kinds.js';
import type { Ref } from '../memory/arena.js';
import { markAccess } from './access.js';
import { endOfPiece, RdbError, RdbReader } from './rdb-reader.js';
import {
  checksumVersion,
  ModuleOpcode,
  newestRdbVersion,
  Opcode,
  RdbType,
  rdbSignature,
} from './rdb-types.js';
import { beginValue, isGradual, isValueType, moduleName } from './read-value.js';
import {
  discardValue,
  type GradualValue,
  type SavedValue,
  type StoreLimits,
  storePacked,
  storeValue,
  type ValueTarget,
} from './saved-value.js';

export interface RdbLoadOptions {
  /** Up to what size collections are packed. */
  readonly limits: StoreLimits;
  /** See ValueTarget. */
  readonly unsanitized?: boolean;
  /** Leave out keys whose time has come: a master does, for a file of its own. */
  readonly dropExpired: boolean;
  /** A key that is there already: an error, or replaced. */
  readonly duplicates: 'refuse' | 'replace';
  /** Check the checksum at the end, if the file has one. */
  readonly checksum: boolean;
  /** Load into these, in place of the databases of the keyspace; as many, and of its arena. */
  readonly databases?: readonly Database[];
  /** Told of each name and text about the file. */
  onAuxiliary?(name: string, text: string): void;
  /** Told of each key that is left out because its time has come. The view is valid during the call. */
  onExpired?(database: Database, key: Bytes): void;
  /** Given the source of each library of functions. Without it such a file is refused. */
  onFunction?(source: Bytes): void;
  /** Told of what is passed over, in words. */
  onSkipped?(what: string): void;
  /**
   * Told of each key that was stored, whose record, without expiry and the like, begins and ends at these offsets. May
   * remove it.
   */
  onKey?(database: Database, ref: Ref, start: number, end: number): void;
}

/** What a file brought. */
export interface RdbSummary {
  version: number;
  keysLoaded: number;
  keysExpired: number;
  emptyKeysSkipped: number;
  /** A checksum was there, and was checked. */
  hasChecksum: boolean;
  /** Offset behind the last byte: of an append-only file's preamble, where its commands begin. */
  end: number;
}

/** So many bytes are asked for at once. */
const pieceBytes = 256 * 1024;
/** Most keys for which room is made before the first of them is seen, if the length of the file is not known. */
const mostKeysUnseen = 100_000;
/** A key and its value take at least so many bytes of a file. */
const leastKeyBytes = 4;

const headerBytes = rdbSignature.length + 4;

/**
 * Loads an RDB file that arrives piece by piece, in a window of bounded size: nothing is kept of what has been read but
 * the data. Whoever drives it gives it bytes with `room` and `received`, and calls `run`. See load-rdb.ts.
 */
export class RdbLoad {
  readonly summary: RdbSummary = {
    version: 0,
    keysLoaded: 0,
    keysExpired: 0,
    emptyKeysSkipped: 0,
    hasChecksum: false,
    end: 0,
  };
  private readonly reader: RdbReader;
  private readonly target: ValueTarget;
  private readonly crc = new Crc64();
  private readonly databases: readonly Database[];
  private database: Database;
  /** Where in the window the first byte is that has not been read for good, and that is not in `crc` yet. */
  private committed = 0;
  private summed = 0;
  /** A value that is being read, and whose it is. */
  private value: GradualValue | undefined;
  private key: Bytes = new Bytes();
  private keyStart = 0;
  private readingKey = false;
  // What was told of the key that follows.
  private expiry = -1;
  private idleSeconds = -1;
  private frequency = -1;
  private readonly view = new Bytes();
  private finished = false;

  /** `total`: the bytes of the file, if that is known. */
  constructor(
    private readonly keyspace: Keyspace,
    private readonly options: RdbLoadOptions,
    total = Number.POSITIVE_INFINITY,
  ) {
    this.reader = new RdbReader(Buffer.allocUnsafeSlow(windowFor(total)), 0, 0, total);
    const { limits, unsanitized, databases = keyspace.databases } = options;
    this.target = { keyspace, limits, unsanitized };
    this.databases = databases;
    this.database = databases[0];
  }

  /** Bytes that have been read for good. */
  get loadedBytes(): number {
    return this.reader.base + this.committed;
  }

  /**
   * Loads what is there up to about that offset: `more` if it needs more bytes to go on. Throws RdbError for a file
   * that is none, and ArenaFullError.
   */
  run(untilOffset: number): 'done' | 'more' | 'paused' {
    const { reader } = this;
    const until = untilOffset - reader.base;
    if (reader.end < reader.wantedEnd && reader.left > reader.end - reader.offset) return 'more';
    try {
      while (!this.finished) {
        this.step();
        this.committed = reader.offset;
        if (reader.offset >= until) break;
      }
    } catch (error) {
      if (error !== endOfPiece) throw this.explained(error);
      if (this.value === undefined) reader.offset = this.committed;
      else this.committed = reader.offset;
      return 'more';
    }
    return this.finished ? 'done' : 'paused';
  }

  /** Where to put bytes: `buffer[at, end)`. */
  room(): { buffer: Buffer; at: number; end: number } {
    this.sum(this.committed);
    const { reader } = this;
    const kept = reader.end - this.committed;
    const wanted = Math.max(reader.wantedEnd - this.committed, kept + 1);
    const capacity = this.capacityFor(wanted, kept);
    const from = reader.buffer;
    if (capacity === from.length) {
      // Often all of it is still needed, and nothing has to move.
      if (this.committed > 0) from.copyWithin(0, this.committed, reader.end);
    } else {
      reader.buffer = Buffer.allocUnsafeSlow(capacity);
      from.copy(reader.buffer, 0, this.committed, reader.end);
    }
    reader.base += this.committed;
    reader.wantedEnd -= this.committed;
    reader.offset = this.committed = this.summed = 0;
    reader.end = kept;
    return { buffer: reader.buffer, at: kept, end: capacity };
  }

  /**
   * A window that has to grow is doubled, for what is larger than expected is often larger still; but it is no larger
   * than what is left of the file, and while nobody knows that, never more than twice of what has been seen.
   */
  private capacityFor(wanted: number, kept: number): number {
    const { total, base } = this.reader;
    const usual = windowFor(total);
    if (wanted <= usual) return usual;
    const doubled = Math.max(kept * 2, usual);
    if (total === Number.POSITIVE_INFINITY) return doubled;
    return Math.min(Math.max(wanted, doubled), total - base - this.committed);
  }

  /** So many bytes were put there; 0: there are no more. */
  received(count: number): void {
    const { reader } = this;
    reader.end += count;
    if (count === 0) reader.total = reader.base + reader.end;
  }

  /** Frees what was read of a value that is not whole. */
  abandon(): void {
    this.value?.discard();
    this.value = undefined;
  }

  /** Bytes behind the end of the data that were received already: what follows a preamble. */
  get surplus(): Buffer {
    return this.reader.buffer.subarray(this.reader.offset, this.reader.end);
  }

  private sum(upTo: number): void {
    if (this.options.checksum) this.crc.update(this.reader.buffer, this.summed, upTo);
    this.summed = upTo;
  }

  /** Reads the next thing that can be read for good. */
  private step(): void {
    if (this.value !== undefined) return this.continueValue(this.value);
    if (this.summary.version === 0) return this.readHeader();
    const opcode = this.reader.byte();
    // A string, the commonest of all, is spared the table of types, and an object for its value.
    if (opcode === RdbType.string) return this.readString();
    if (isValueType(opcode)) return this.readKey(opcode);
    this.readRecord(opcode);
  }

  private readHeader(): void {
    const { reader } = this;
    const text = reader.raw(headerBytes).latin1();
    const version = Number(text.slice(rdbSignature.length));
    if (!text.startsWith(rdbSignature) || !/^\d{4}$/.test(text.slice(rdbSignature.length))) {
      throw new RdbError('wrong signature: this is no RDB file', reader.base);
    }
    if (version < 1 || version > newestRdbVersion) {
      throw new RdbError(`can't handle RDB format version ${version}`, reader.base);
    }
    this.summary.version = version;
  }

  private readString(): void {
    const { reader, key, view } = this;
    this.keyStart = reader.position - 1;
    reader.stringInto(key);
    this.readingKey = true;
    reader.stringInto(view);
    if (this.isPast()) this.dropExpired();
    else {
      const { expiry, options } = this;
      const ref = storePacked(
        this.database,
        key,
        kinds.string,
        view,
        expiry,
        options.duplicates === 'replace',
      );
      this.loaded(ref);
    }
    this.endKey();
  }

  private readKey(type: number): void {
    const { reader } = this;
    this.keyStart = reader.position - 1;
    reader.stringInto(this.key);
    this.readingKey = true;
    const value = beginValue(reader, type, this.target);
    if (!isGradual(value)) return this.store(value);
    this.key = this.key.copy();
    this.value = value;
  }

  private continueValue(value: GradualValue): void {
    const whole = value.readMore(this.reader);
    if (whole === undefined) return;
    this.value = undefined;
    this.store(whole);
  }

  private store(value: SavedValue): void {
    const { summary, options } = this;
    if (value.form === 'empty') {
      if (summary.emptyKeysSkipped++ < 10) options.onSkipped?.(`empty key: ${shown(this.key)}`);
    } else if (this.isPast()) {
      this.dropExpired();
      discardValue(value);
    } else this.storeLive(value);
    this.endKey();
  }

  private storeLive(value: SavedValue): void {
    const replace = this.options.duplicates === 'replace';
    let ref = absent;
    try {
      ref = storeValue(this.database, this.key, value, this.expiry, replace);
    } finally {
      if (ref === absent) discardValue(value);
    }
    this.loaded(ref);
  }

  private loaded(ref: Ref): void {
    const { database } = this;
    if (ref === absent) throw new RdbError(`a key that is there twice`, this.keyStart);
    this.summary.keysLoaded++;
    if ((this.idleSeconds & this.frequency) !== -1) {
      markAccess(database, ref, this.idleSeconds, this.frequency);
    }
    this.options.onKey?.(database, ref, this.keyStart, this.reader.position);
  }

  private isPast(): boolean {
    return this.options.dropExpired && this.expiry >= 0 && this.expiry < this.keyspace.expiredBefore;
  }

  private dropExpired(): void {
    this.summary.keysExpired++;
    this.options.onExpired?.(this.database, this.key);
  }

  private endKey(): void {
    this.expiry = this.idleSeconds = this.frequency = -1;
    this.readingKey = false;
  }

  private readRecord(opcode: number): void {
    const { reader } = this;
    switch (opcode) {
      case Opcode.expiryMs:
        this.expiry = expiryOf(reader.time());
        return;
      case Opcode.expirySeconds:
        this.expiry = expiryOf(reader.seconds() * 1000);
        return;
      case Opcode.frequency:
        this.frequency = reader.byte();
        return;
      case Opcode.idle:
        this.idleSeconds = Math.min(reader.length(), 0xffffff);
        return;
      case Opcode.selectDatabase:
        return this.selectDatabase(reader.length());
      case Opcode.resizeDatabase:
        return this.makeRoom(reader.length(), reader.length());
      case Opcode.slotInfo:
        for (let field = 0; field < 3; field++) reader.length();
        return;
      case Opcode.auxiliary:
        return this.readAuxiliary();
      case Opcode.end:
        return this.readEnd();
      case Opcode.function2:
        return this.readFunction();
      case Opcode.functionEarly:
        throw reader.fail('a function in a form that only release candidates of Redis 7.0 wrote');
      case Opcode.moduleAux:
        return this.skipModule();
      default:
        throw new RdbError(`unknown record type ${opcode}`, reader.position - 1);
    }
  }

  private selectDatabase(index: number): void {
    const { databases } = this;
    if (index >= databases.length) {
      throw this.reader.fail(`database ${index} of a file from a server with more than ${databases.length}`);
    }
    this.database = databases[index];
  }

  /** Spares the tables growing step by step. What a file says is believed as far as it has bytes for it. */
  private makeRoom(keys: number, expiring: number): void {
    const { left } = this.reader;
    const most = left === Number.POSITIVE_INFINITY ? mostKeysUnseen : left / leastKeyBytes;
    try {
      this.database.reserve(Math.min(keys, most), Math.min(expiring, most));
    } catch (error) {
      // No memory for so many at once: they may fit when they come, or the error is theirs.
      if (!(error instanceof RangeError)) throw error;
    }
  }

  private readAuxiliary(): void {
    const name = this.reader.string();
    const text = this.reader.string();
    this.options.onAuxiliary?.(name.latin1(), text.latin1());
  }

  private readFunction(): void {
    const source = this.reader.string();
    const { onFunction } = this.options;
    if (onFunction === undefined) throw this.reader.fail('a library of functions, which are not supported');
    onFunction(source);
  }

  /** Passes over what a module has stored beside keys. Nobody here could make use of it. */
  private skipModule(): void {
    const { reader } = this;
    const name = moduleName(reader);
    for (;;) {
      const opcode = reader.length();
      if (opcode === ModuleOpcode.end) break;
      this.skipModulePart(opcode);
    }
    this.options.onSkipped?.(`data of the module ${name} beside keys`);
  }

  private skipModulePart(opcode: number): void {
    const { reader } = this;
    if (opcode === ModuleOpcode.signed || opcode === ModuleOpcode.unsigned) reader.skipLength();
    else if (opcode === ModuleOpcode.float) reader.skip(4);
    else if (opcode === ModuleOpcode.double) reader.skip(8);
    else if (opcode === ModuleOpcode.string) reader.stringInto(this.view);
    else throw reader.fail(`unknown part ${opcode} of a module's data`);
  }

  private readEnd(): void {
    const { reader } = this;
    if (this.summary.version >= checksumVersion) this.checkSum();
    this.summary.end = reader.position;
    this.finished = true;
    for (const database of this.databases) database.trim();
  }

  private checkSum(): void {
    const { reader } = this;
    const { buffer, start } = reader.raw(8);
    if (!this.options.checksum) return;
    this.sum(start);
    const told = buffer.readBigUInt64LE(start);
    const found = this.crc.value();
    this.summary.hasChecksum = told !== 0n;
    if (told !== 0n && told !== found) {
      throw new RdbError(
        `CRC error: the checksum is ${found.toString(16)}, but ${told.toString(16)} was expected,`,
        reader.base + start,
      );
    }
  }

  /** The same error, with the key in whose value it was found. */
  private explained(error: unknown): unknown {
    if (!(error instanceof RdbError) || !this.readingKey) return error;
    const where = `, in the value of key ${quoted(this.key)} of database ${this.database.index}`;
    return new RdbError(error.reason, error.offset, where);
  }
}

/** Times before the epoch are past as well; negative ones have another meaning here. */
function expiryOf(time: number): number {
  return time === -1 ? -1 : Math.max(time, 0);
}

/** A small file needs no large window. */
function windowFor(total: number): number {
  return Math.min(pieceBytes, Math.max(total, 64));
}

const longestShown = 100;

/** A name of letters as it is, any other quoted. */
function shown(key: Bytes): string {
  const text = key.latin1().slice(0, longestShown);
  return /^[!-~]+$/.test(text) ? text : quoteWord(text);
}

function quoted(key: Bytes): string {
  return quoteWord(key.latin1().slice(0, longestShown));
}
