import { Bytes } from '../bytes/bytes.js';
import { EMPTY_LISTPACK_LENGTH, writeEmptyListpack } from '../memory/listpack-format.js';
import { TableHash } from '../values/table-hash.js';
import type { Database } from './database.js';
import { Elements, type Place } from './elements.js';
import { kinds } from './kinds.js';

/** Up to what size a hash is a listpack: the configuration has these. */
export interface HashLimits {
  readonly 'hash-max-listpack-entries': number;
  readonly 'hash-max-listpack-value': number;
}

const fieldView = new Bytes(Buffer.alloc(0));
const valueView = new Bytes(Buffer.alloc(0));

/**
 * The fields and values of a hash: pairs in a listpack while they are few and short, then a table. It never goes back.
 */
export class HashValue extends Elements {
  declare protected table: TableHash | undefined;

  constructor() {
    super(2);
  }

  /** Makes an empty hash of a key that is absent. */
  create(database: Database, key: Bytes): this {
    const ref = database.put(key, kinds.listpackHash, EMPTY_LISTPACK_LENGTH);
    const { buffer, start } = database.payload(ref);
    writeEmptyListpack(buffer, start);
    return this.open(database, ref);
  }

  /** Points `into` at a field's value; false if there is no such field. Hot. */
  get(field: Bytes, into: Bytes): boolean {
    const place = this.find(field);
    if (place === 0) return false;
    this.valueAt(place, into);
    return true;
  }

  /** Points `into` at the value of the field at a place. */
  valueAt(place: Place, into: Bytes): void {
    if (this.table === undefined) this.listpack.read(this.listpack.next(place), into);
    else this.table.readPayload(place, into);
  }

  /** Sets a field; true if it is new. Neither view may be of this hash. Hot. */
  set(field: Bytes, value: Bytes, limits: HashLimits): boolean {
    if (this.table !== undefined) return this.table.set(field, value);
    const longest = limits['hash-max-listpack-value'];
    if (field.length > longest || value.length > longest) return this.toTable().set(field, value);
    const { listpack } = this;
    const place = listpack.find(listpack.first(), field, 1);
    if (place !== 0) listpack.replace(listpack.next(place), value);
    else listpack.appendPair(field, value);
    this.ref = this.payload.ref;
    if (place === 0 && listpack.count > limits['hash-max-listpack-entries'] * 2) this.toTable();
    return place === 0;
  }

  private toTable(): TableHash {
    const table = new TableHash(this.database.keyspace);
    this.forEachPacked((place) => {
      this.nameAt(place, fieldView);
      this.valueAt(place, valueView);
      table.set(fieldView, valueView);
    });
    this.ref = this.database.unpack(this.ref, kinds.tableHash, table);
    this.table = table;
    return table;
  }
}
