import { TWO_32 } from '../../bytes/little-endian.js';
import type { LuaHost } from './host.js';

/** What an open container still waits for. */
const WAITS = { element: 0, key: 1, value: 2 } as const;

/**
 * `cmsgpack.unpack` and its relatives. The bytes are read where they lie, in the Lua machine's memory, and
 * strings are pushed from there. Open arrays and maps are on a stack of its own, so depth is limited by Lua's
 * stack alone. Per open array there is one slot on it, per open map two.
 */
export class MessageUnpacker {
  // Of each open container: what it waits for, how many values it has and shall have.
  private waits = new Uint8Array(64);
  private counts = new Float64Array(64);
  private totals = new Float64Array(64);
  private at = 0;
  private end = 0;
  /** Values that are complete. */
  private count = 0;

  constructor(private readonly host: LuaHost) {}

  /**
   * The host function, given its arguments but the first: at most `limit` values from byte `offset` on. Unless
   * both are 0 the first result is where the next value begins, -1 for the end.
   */
  unpack(L: number, limit: number, offset: number): number {
    const { host } = this;
    const { api } = host;
    const start = host.checkString(L, 1);
    const { length } = host;
    this.checkRange(L, limit, offset, length);
    this.at = start + offset;
    this.end = start + length;
    const all = limit === 0 && offset === 0;
    this.count = 0;
    while (this.at < this.end && (all || this.count < limit)) {
      this.value(L);
      this.count++;
    }
    if (all) return this.count;
    this.checkStack(L, 1);
    api.lua_pushnumber(L, this.at === this.end ? -1 : this.at - start);
    api.lua_insert(L, 2);
    return this.count + 1;
  }

  private checkRange(L: number, limit: number, offset: number, length: number): void {
    if (offset < 0 || limit < 0) {
      const shown = `offset of ${offset | 0} and limit of ${length}`;
      this.host.fail(L, `Invalid request to unpack with ${shown}.`);
    }
    if (offset > length) {
      this.host.fail(L, `Start offset ${offset | 0} greater than input length ${length}.`);
    }
  }

  /** Reads one value, however deep, and pushes it. */
  private value(L: number): void {
    let depth = 0;
    // Redis keeps an array's next index on the Lua stack. It is not there, but counted, so that the same depth fits.
    let indexes = 0;
    do {
      if (this.at === this.end) this.missing(L);
      if (!this.isShallow(depth)) this.checkStack(L, 1 + indexes);
      const opened = this.scalarOrOpen(L, depth, indexes);
      if (opened) {
        depth++;
        if (this.waits[depth] === WAITS.element) indexes++;
        if (this.totals[depth] > 0) continue;
        if (this.waits[depth--] === WAITS.element) indexes--;
      }
      while (depth > 0 && this.store(L, depth)) {
        if (this.waits[depth--] === WAITS.element) indexes--;
      }
    } while (depth > 0);
  }

  /** So little is on the Lua stack that the slots every function has are enough: 20, and 3 for each open container. */
  private isShallow(depth: number): boolean {
    return this.count + 3 * depth < 16;
  }

  /** Puts the value on top of the stack into its container; true if the container is thereby complete. */
  private store(L: number, depth: number): boolean {
    const { api } = this.host;
    if (this.waits[depth] === WAITS.key) {
      this.waits[depth] = WAITS.value;
      return false;
    }
    const count = ++this.counts[depth];
    if (this.waits[depth] === WAITS.element) {
      api.lua_rawseti(L, -2, count);
    } else {
      api.lua_rawset(L, -3);
      this.waits[depth] = WAITS.key;
    }
    return count === this.totals[depth];
  }

  /** Pushes a scalar, or a table for a container, whose frame is then the next one; true of a container. */
  private scalarOrOpen(L: number, depth: number, indexes: number): boolean {
    const { api } = this.host;
    const type = this.host.bytes[this.at++];
    if (type < 0x80) api.lua_pushnumber(L, type);
    else if (type < 0x90) return this.open(L, depth + 1, WAITS.key, type & 0x0f, indexes);
    else if (type < 0xa0) return this.open(L, depth + 1, WAITS.element, type & 0x0f, indexes);
    else if (type < 0xc0) this.string(L, type & 0x1f);
    else if (type >= 0xe0) api.lua_pushnumber(L, type - 0x100);
    else if (type === 0xdc) return this.open(L, depth + 1, WAITS.element, this.uint(L, 2), indexes);
    else if (type === 0xdd) return this.open(L, depth + 1, WAITS.element, this.uint(L, 4), indexes);
    else if (type === 0xde) return this.open(L, depth + 1, WAITS.key, this.uint(L, 2), indexes);
    else if (type === 0xdf) return this.open(L, depth + 1, WAITS.key, this.uint(L, 4), indexes);
    else this.typed(L, type);
    return false;
  }

  private typed(L: number, type: number): void {
    const { api } = this.host;
    switch (type) {
      case 0xc0:
        return api.lua_pushnil(L);
      case 0xc2:
      case 0xc3:
        return api.lua_pushboolean(L, type & 1);
      case 0xca:
        return api.lua_pushnumber(L, this.host.bytes.readFloatBE(this.take(L, 4)));
      case 0xcb:
        return api.lua_pushnumber(L, this.host.bytes.readDoubleBE(this.take(L, 8)));
      case 0xcc:
        return api.lua_pushnumber(L, this.uint(L, 1));
      case 0xcd:
        return api.lua_pushnumber(L, this.uint(L, 2));
      case 0xce:
        return api.lua_pushnumber(L, this.uint(L, 4));
      case 0xcf: // Redis reads it as a signed number, too
      case 0xd3:
        return api.lua_pushnumber(L, this.long(L));
      case 0xd0:
        return api.lua_pushnumber(L, (this.uint(L, 1) << 24) >> 24);
      case 0xd1:
        return api.lua_pushnumber(L, (this.uint(L, 2) << 16) >> 16);
      case 0xd2:
        return api.lua_pushnumber(L, this.uint(L, 4) | 0);
      case 0xd9:
        return this.string(L, this.uint(L, 1));
      case 0xda:
        return this.string(L, this.uint(L, 2));
      case 0xdb:
        return this.string(L, this.uint(L, 4));
    }
    this.host.fail(L, 'Bad data format in input.');
  }

  private string(L: number, length: number): void {
    const from = this.take(L, length);
    this.host.api.lua_pushlstring(L, from, length);
  }

  private open(L: number, depth: number, waits: number, total: number, indexes: number): boolean {
    if (depth >= this.waits.length) this.growFrames();
    this.waits[depth] = waits;
    this.counts[depth] = 0;
    this.totals[depth] = total;
    this.host.api.lua_createtable(L, 0, 0);
    if (waits === WAITS.element && !this.isShallow(depth)) {
      this.host.checkStack(L, 1 + indexes, 'in function mp_decode_to_lua_array');
    }
    return true;
  }

  private uint(L: number, size: 1 | 2 | 4): number {
    const from = this.take(L, size);
    const { bytes } = this.host;
    if (size === 1) return bytes[from];
    if (size === 2) return (bytes[from] << 8) | bytes[from + 1];
    return bytes[from] * 0x1000000 + ((bytes[from + 1] << 16) | (bytes[from + 2] << 8) | bytes[from + 3]);
  }

  private long(L: number): number {
    const high = this.uint(L, 4);
    const low = this.uint(L, 4);
    // Rounded once: both halves, and the product, are exact.
    return (high | 0) * TWO_32 + low;
  }

  /** Passes over bytes; returns the address of the first. */
  private take(L: number, size: number): number {
    if (this.end - this.at < size) this.missing(L);
    const from = this.at;
    this.at += size;
    return from;
  }

  private missing(L: number): never {
    this.host.fail(L, 'Missing bytes in input.');
  }

  private checkStack(L: number, slots: number): void {
    this.host.checkStack(L, slots, 'too many return values at once; use unpack_one or unpack_limit instead.');
  }

  private growFrames(): void {
    const size = this.waits.length * 2;
    const { waits, counts, totals } = this;
    this.waits = new Uint8Array(size);
    this.counts = new Float64Array(size);
    this.totals = new Float64Array(size);
    this.waits.set(waits);
    this.counts.set(counts);
    this.totals.set(totals);
  }
}
