import type { Bytes } from '../bytes/bytes.js';
import type { Command } from '../commands/registry.js';
import type { Database } from '../keyspace/database.js';
import type { Arena } from '../memory/arena.js';
import type { Table } from '../memory/table.js';
import type { Request } from '../protocol/request-decoder.js';

/** Keys that are looked ahead for; what requests name beyond them is looked up without. */
const maxNames = 64;

/** Where to find a command by the name that a request begins with. */
interface Commands {
  find(name: Bytes): Command | undefined;
}

/**
 * Prepares several requests for being run one after the other: finds their commands, hashes their keys, and asks for
 * the memory that these lie in. A look-up in a large keyspace is two cache misses, and the processor waits for
 * several at once nearly as briefly as for one. Measured with 3M keys: 650 ns a look-up without, 350 ns with it. What
 * was found stays with the views of the keys, see `Table.findAhead`.
 *
 * Hot: allocates nothing.
 */
export class LookAhead {
  private readonly names: Names;

  constructor(
    private readonly commands: Commands,
    arena: Arena,
  ) {
    this.names = new Names(arena);
  }

  prepare(database: Database, requests: Request<Command>[], count: number): void {
    const { names } = this;
    const { keys } = database;
    let elements = false;
    for (let i = 0; i < count; i++) {
      const request = requests[i];
      const { args, argc } = request;
      const command = this.commands.find(args[0]);
      request.command = command;
      if (command === undefined || command.firstKey === 0) continue;
      if (command.firstElement !== 0) elements = true;
      const end = command.keyStep === 0 ? command.firstKey + 1 : argc;
      for (let at = command.firstKey; at < end && at < argc && !names.full; at += command.keyStep || 1)
        names.add(keys, args[at]);
    }
    names.fetch();
    if (elements) this.prepareElements(database, requests, count);
  }

  /**
   * The same for the first fields and members that the requests name, in big collections: those are tables of their
   * own. Requests for one key, one after the other, look for its table once.
   */
  private prepareElements(database: Database, requests: Request<Command>[], count: number): void {
    const { names } = this;
    let index: Table | undefined;
    let indexed = 0;
    for (let i = 0; i < count; i++) {
      const { command, args, argc } = requests[i];
      if (command === undefined || command.firstElement === 0 || command.firstElement >= argc) continue;
      if (args[1].hash !== indexed || indexed === 0) {
        index = database.elementIndex(args[1]);
        indexed = args[1].hash;
      }
      if (index !== undefined) names.add(index, args[command.firstElement]);
    }
    names.fetch();
  }
}

/** Names that are to be looked up, each in a table. */
class Names {
  private readonly views: Bytes[] = [];
  private readonly tables: Table[] = [];
  private readonly hashes = new Int32Array(maxNames);
  private readonly refs = new Int32Array(maxNames);
  private count = 0;
  /** Where reads go whose only use is that they warm the cache, so that the compiler does not leave them out. */
  private read = 0;

  constructor(private readonly arena: Arena) {}

  get full(): boolean {
    return this.count === maxNames;
  }

  /** Notes a name and leaves its hash in the view. */
  add(table: Table, name: Bytes): void {
    const { count } = this;
    const hash = table.hash(name.buffer, name.start, name.end);
    name.hash = hash;
    this.hashes[count] = hash;
    // What is the same as before is not stored: the collector's book-keeping makes that dear.
    if (this.views[count] !== name) this.views[count] = name;
    if (this.tables[count] !== table) this.tables[count] = table;
    this.count = count + 1;
  }

  /**
   * Reads the memory of all that were noted, and forgets them: first all buckets, then all entries. The reads do not
   * depend on each other, so their cache misses overlap.
   */
  fetch(): void {
    const { views, tables, hashes, refs, count } = this;
    this.count = 0;
    if (count < 2) return;
    let end = 0;
    for (let begin = 0; begin < count; begin = end) {
      const table = tables[begin];
      do end++;
      while (end < count && tables[end] === table);
      this.read ^= table.touchBuckets(hashes, begin, end);
    }
    for (let i = 0; i < count; i++) refs[i] = tables[i].likelyEntry(hashes[i]);
    this.read ^= this.arena.touchBlocks(refs, count);
    for (let i = 0; i < count; i++) {
      const view = views[i];
      view.ref = refs[i];
      view.stamp = tables[i].stamp;
    }
  }
}
