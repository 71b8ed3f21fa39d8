import type { LuaHost } from './host.js';
import { unsignedOf } from './lua-numbers.js';
import { StructFormat } from './struct-format.js';

/** `struct.unpack`. */
export class StructUnpacker {
  private readonly format: StructFormat;
  /** The data: its address and length. */
  private data = 0;
  private length = 0;
  /** Values pushed so far. */
  private results = 0;

  constructor(private readonly host: LuaHost) {
    this.format = new StructFormat(host);
  }

  /** The host function: a format, data, and where to begin (from 1). Returns the values and the end's position. */
  unpack(L: number): number {
    const { host, format } = this;
    format.begin(L);
    this.data = host.checkString(L, 2);
    this.length = host.length;
    this.results = 0;
    let position = host.optInteger(L, 3, 1) - 1;
    if (position === -1) host.argumentError(L, 3, 'offset must be 1 or greater');
    while (format.next(L)) {
      position += format.padding(position);
      this.checkRoom(L, position, format.size);
      host.checkStack(L, 2, 'too many results');
      position += this.item(L, position);
    }
    host.api.lua_pushnumber(L, position + 1);
    return this.results + 1;
  }

  /** Unpacks the present item at `position`; returns its size. */
  private item(L: number, position: number): number {
    const { api } = this.host;
    const { format } = this;
    switch (format.letter) {
      case 'b':
      case 'h':
      case 'l':
      case 'i':
        return this.push(L, signed(this.integer(position), format.size));
      case 'B':
      case 'H':
      case 'L':
      case 'T':
      case 'I':
        return this.push(L, Number(this.integer(position)));
      case 'f':
      case 'd':
        return this.push(L, this.float(position));
      case 'c': {
        const size = format.size === 0 ? this.popSize(L, position) : format.size;
        api.lua_pushlstring(L, this.data + position, size);
        this.results++;
        return size;
      }
      case 's':
        return this.terminated(L, position);
      case 'x':
        return 1;
    }
    format.apply(L);
    return 0;
  }

  private push(L: number, n: number): number {
    this.host.api.lua_pushnumber(L, n);
    this.results++;
    return this.format.size;
  }

  /** 64 bits; of more bytes the lower ones. Numbers of up to 6 bytes are read without a BigInt. */
  private integer(position: number): number | bigint {
    const { size, littleEndian } = this.format;
    const at = this.data + position;
    const { bytes } = this.host;
    if (size >= 1 && size <= 6) return littleEndian ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
    let value = 0n;
    for (let i = Math.min(size, 8) - 1; i >= 0; i--) {
      value = (value << 8n) | BigInt(bytes[littleEndian ? at + i : at + size - 1 - i]);
    }
    return value;
  }

  private float(position: number): number {
    const { size, littleEndian } = this.format;
    const at = this.data + position;
    const { bytes } = this.host;
    if (size === 4) return littleEndian ? bytes.readFloatLE(at) : bytes.readFloatBE(at);
    return littleEndian ? bytes.readDoubleLE(at) : bytes.readDoubleBE(at);
  }

  /** `c0`: the length of the string is the number unpacked before it, which is no result then. */
  private popSize(L: number, position: number): number {
    const { api } = this.host;
    if (this.results === 0 || api.lua_isnumber(L, -1) === 0) {
      this.host.fail(L, "format 'c0' needs a previous size");
    }
    const size = Number(unsignedOf(api.lua_tonumber(L, -1)));
    api.lua_settop(L, -2);
    this.results--;
    this.checkRoom(L, position, size);
    return size;
  }

  /** A string up to a byte 0. */
  private terminated(L: number, position: number): number {
    const from = this.data + position;
    const end = this.host.bytes.indexOf(0, from); // there is one, if only behind the data
    if (end >= this.data + this.length) this.host.fail(L, 'unfinished string in data');
    this.host.api.lua_pushlstring(L, from, end - from);
    this.results++;
    return end - from + 1;
  }

  private checkRoom(L: number, position: number, size: number): void {
    if (position < 0 || size > this.length || position > this.length - size) {
      this.host.argumentError(L, 2, 'data string too short');
    }
  }
}

/** An unsigned integer of `size` bytes as a signed one. */
function signed(value: number | bigint, size: number): number {
  if (typeof value === 'number') {
    const limit = 2 ** (size * 8 - 1);
    return value >= limit ? value - limit * 2 : value;
  }
  // Of more than 64 bits the sign is looked for where x86 shifts it to: so does Redis.
  const mask = BigInt.asUintN(64, -1n << BigInt((size * 8 - 1) & 63));
  return Number(BigInt.asIntN(64, (value & mask) !== 0n ? value | mask : value));
}
