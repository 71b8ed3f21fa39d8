import { Bytes } from '../bytes/bytes.js';
import { formatDouble17 } from '../bytes/doubles.js';
import type { Database } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { HashValue } from '../keyspace/hash-value.js';
import { hasExpiringFields, isHandle, type Kind, kinds } from '../keyspace/kinds.js';
import { SetValue } from '../keyspace/set-value.js';
import type { Ref } from '../memory/arena.js';
import { NO_EXPIRY } from '../memory/entry.js';
import { END, elementLength, HEADER_LENGTH, readElement } from '../memory/listpack-format.js';
import type { CollectionImage } from '../values/collection.js';
import type { Stream } from '../values/stream.js';
import { StreamImage } from '../values/stream-image.js';
import { ByteWriter } from './byte-writer.js';
import type { CollectionWriter, SnapshotFormat } from './snapshot-format.js';
import { type CommandPart, StreamCommands } from './stream-commands.js';

/** Elements that one command brings. */
const batch = 64;
/** Parts of a stream that are written between two looks at whether all were. */
const partsAtOnce = 1000;

export interface CommandFormatOptions {
  /** Unix time in s, to be noted in front; undefined: not noted. */
  timestamp?: number;
  /** Sources of the libraries of functions. */
  libraries?: readonly Bytes[];
}

const keyView = new Bytes();
const view = new Bytes();
const valueView = new Bytes();
const scoreView = new Bytes();
const nothing = new Bytes();
const hash = new HashValue();
const set = new SetValue();

/** A data set as the commands that make it: the base of an append-only file without RDB preamble. */
export class CommandFormat implements SnapshotFormat {
  constructor(private readonly options: CommandFormatOptions = {}) {}

  begin(out: ByteWriter): void {
    const { timestamp, libraries = [] } = this.options;
    if (timestamp !== undefined) out.latin1(`#TS:${timestamp}\r\n`);
    for (const library of libraries) {
      command(out, 'FUNCTION', 3);
      bulk(out, load);
      bulk(out, library);
    }
  }

  selectDatabase(out: ByteWriter, index: number): void {
    command(out, 'SELECT', 2);
    text(out, String(index));
  }

  announceDatabase(): void {}

  entry(out: ByteWriter, database: Database, ref: Ref): void {
    const key = database.keyOf(ref, keyView);
    if (database.typeOf(ref) === ValueType.string) {
      command(out, 'SET', 3);
      bulk(out, key);
      bulk(out, database.payload(ref, view));
    } else if (database.kindOf(ref) === kinds.stream) wholeStream(out, key, database.collection<Stream>(ref));
    else if (isHandle(database.kindOf(ref))) this.wholeCollection(out, database, ref);
    else new ElementCommands(database, ref, key, packedCount(database, ref)).writePacked(out, database, ref);
    writeExpiry(out, key, database.expiry(ref));
  }

  /** For a collection that nobody changes meanwhile. */
  private wholeCollection(out: ByteWriter, database: Database, ref: Ref): void {
    const collection = database.collection(ref);
    const writer = new ElementCommands(database, ref, keyView, collection.size);
    collection.visitAll((name, value, number) => writer.element(out, name, value, number));
    writer.endBatch(out);
  }

  collection(database: Database, ref: Ref, image: CollectionImage): CollectionWriter | undefined {
    const isStream = image instanceof StreamImage;
    if (!isStream && !sliced.has(database.kindOf(ref))) return undefined;
    const key = database.keyOf(ref, keyView).copy();
    const expiry = database.expiry(ref);
    const writer = isStream
      ? new StreamWriter(key, image)
      : new ElementCommands(database, ref, key, image.count);
    return {
      begin: (out) => writer.begin(out),
      element: (out, name, value, number) => writer.element(out, name, value, number),
      end(out) {
        writer.endBatch(out);
        writeExpiry(out, key, expiry);
      },
    };
  }

  end(): void {}
}

const sliced = new Set<Kind>([
  kinds.tableHash,
  kinds.expiringTableHash,
  kinds.tableSet,
  kinds.treeSortedSet,
  kinds.quicklist,
]);

/** A stream that nobody changes meanwhile. */
function wholeStream(out: ByteWriter, key: Bytes, stream: Stream): void {
  const image = new StreamImage(stream);
  const writer = new StreamWriter(key, image);
  writer.begin(out);
  while (!image.visitSome(partsAtOnce, (name, value, part) => writer.element(out, name, value, part)));
}

/** The commands that make one stream, part by part of its image. */
class StreamWriter {
  private readonly commands: StreamCommands;

  constructor(key: Bytes, image: StreamImage) {
    this.commands = new StreamCommands(key, image);
  }

  begin(out: ByteWriter): void {
    this.write(out, this.commands.begin());
  }

  element(out: ByteWriter, _id: Bytes, listpack: Bytes, part: number): void {
    this.write(out, this.commands.ofPart(part, listpack));
  }

  endBatch(): void {}

  private write(out: ByteWriter, commands: Iterable<CommandPart[]>): void {
    for (const [name, ...parts] of commands) {
      command(out, String(name), parts.length + 1);
      for (const part of parts) {
        if (part instanceof Bytes) bulk(out, part);
        else text(out, String(part));
      }
    }
  }
}

function writeExpiry(out: ByteWriter, key: Bytes, when: number): void {
  if (when < 0) return;
  command(out, 'PEXPIREAT', 3);
  bulk(out, key);
  text(out, String(when));
}

function packedCount(database: Database, ref: Ref): number {
  switch (database.typeOf(ref)) {
    case ValueType.hash:
      return hash.open(database, ref).size;
    case ValueType.set:
      return set.open(database, ref).size;
    default:
      return listpackCount(database.payload(ref, view)) / 2;
  }
}

/** The commands that add the elements of one collection, in batches. */
class ElementCommands {
  private readonly type: ValueType;
  private readonly expiring: boolean;
  private left: number;
  /** Elements that the command which is being written still gets. */
  private room = 0;
  /** What follows it. */
  private expiries: ByteWriter | undefined;

  constructor(
    database: Database,
    ref: Ref,
    private readonly key: Bytes,
    count: number,
  ) {
    this.type = database.typeOf(ref);
    this.expiring = hasExpiringFields(database.kindOf(ref));
    this.left = count;
  }

  begin(): void {}

  writePacked(out: ByteWriter, database: Database, ref: Ref): void {
    switch (this.type) {
      case ValueType.hash:
        hash.open(database, ref).forEach((place) => {
          hash.nameAt(place, view);
          hash.valueAt(place, valueView);
          this.element(out, view, valueView, hash.expiryAt(place));
        });
        break;
      case ValueType.set:
        set.open(database, ref).forEach((place) => {
          set.nameAt(place, view);
          this.element(out, view, nothing, 0);
        });
        break;
      case ValueType.list:
        this.listNode(out, database.payload(ref, valueView));
        break;
      default:
        this.packedSortedSet(out, database.payload(ref, valueView));
    }
    this.endBatch(out);
  }

  private packedSortedSet(out: ByteWriter, { buffer, start }: Bytes): void {
    for (let at = start + HEADER_LENGTH; buffer[at] !== END; at += elementLength(buffer, at)) {
      readElement(buffer, at, view);
      at += elementLength(buffer, at);
      readElement(buffer, at, scoreView);
      this.beginElement(out, 'ZADD', 2);
      bulk(out, scoreView);
      bulk(out, view);
    }
  }

  element(out: ByteWriter, name: Bytes, value: Bytes, number: number): void {
    switch (this.type) {
      case ValueType.hash:
        this.beginElement(out, 'HMSET', 2);
        bulk(out, name);
        bulk(out, value);
        if (this.expiring && number !== NO_EXPIRY) this.noteExpiry(name, number);
        break;
      case ValueType.set:
        this.beginElement(out, 'SADD', 1);
        bulk(out, name);
        break;
      case ValueType.list:
        if (number === 1) this.push(out, [name]);
        else this.listNode(out, name);
        break;
      default:
        this.beginElement(out, 'ZADD', 2);
        text(out, formatDouble17(number));
        bulk(out, name);
    }
  }

  /** Begins a command if there is none that takes another element, of so many arguments. */
  private beginElement(out: ByteWriter, name: string, args: number): void {
    if (this.room === 0) {
      this.endBatch(out);
      this.room = Math.min(batch, this.left);
      command(out, name, 2 + this.room * args);
      bulk(out, this.key);
    }
    this.room--;
    this.left--;
  }

  private noteExpiry(field: Bytes, when: number): void {
    this.expiries ??= new ByteWriter();
    const { expiries } = this;
    command(expiries, 'HPEXPIREAT', 6);
    bulk(expiries, this.key);
    text(expiries, String(when));
    text(expiries, 'FIELDS');
    text(expiries, '1');
    bulk(expiries, field);
  }

  endBatch(out: ByteWriter): void {
    if (this.expiries === undefined) return;
    out.raw(this.expiries.bytes);
    this.expiries.clear();
  }

  private listNode(out: ByteWriter, { buffer, start, end }: Bytes): void {
    let left = listpackCount({ buffer, start, end });
    let room = 0;
    for (let at = start + HEADER_LENGTH; buffer[at] !== END; at += elementLength(buffer, at)) {
      if (room === 0) {
        room = Math.min(batch, left);
        left -= room;
        command(out, 'RPUSH', 2 + room);
        bulk(out, this.key);
      }
      room--;
      readElement(buffer, at, view);
      bulk(out, view);
    }
  }

  private push(out: ByteWriter, elements: Bytes[]): void {
    command(out, 'RPUSH', 2 + elements.length);
    bulk(out, this.key);
    for (const element of elements) bulk(out, element);
  }
}

function listpackCount({ buffer, start }: Pick<Bytes, 'buffer' | 'start' | 'end'>): number {
  let count = 0;
  for (let at = start + HEADER_LENGTH; buffer[at] !== END; at += elementLength(buffer, at)) count++;
  return count;
}

const load = Bytes.of('LOAD');

/** The head of a command of so many arguments, its name included, and the name. */
function command(out: ByteWriter, name: string, argc: number): void {
  out.latin1(`*${argc}\r\n$${name.length}\r\n${name}\r\n`);
}

function bulk(out: ByteWriter, { buffer, start, end }: Bytes): void {
  out.latin1(`$${end - start}\r\n`);
  out.raw(buffer, start, end);
  out.latin1('\r\n');
}

function text(out: ByteWriter, value: string): void {
  out.latin1(`$${value.length}\r\n${value}\r\n`);
}
