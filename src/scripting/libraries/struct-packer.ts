import type { LuaHost } from './host.js';
import { integerOf, unsignedOf } from './lua-numbers.js';
import type { Output } from './output.js';
import { StructFormat } from './struct-format.js';

/** `struct.pack`. */
export class StructPacker {
  private readonly format: StructFormat;

  constructor(
    private readonly host: LuaHost,
    private readonly output: Output,
  ) {
    this.format = new StructFormat(host);
  }

  /** The host function: a format and the values. */
  pack(L: number): number {
    const { host, output, format } = this;
    format.begin(L);
    host.api.lua_pushnil(L); // so that what is missing is nil, as error messages then say
    output.begin(L);
    for (let arg = 2; format.next(L); ) {
      this.zeros(L, format.padding(output.length));
      if (this.item(L, arg)) arg++;
    }
    output.push(L);
    return 1;
  }

  /** Packs the present item. True if it took the argument. */
  private item(L: number, arg: number): boolean {
    const { format } = this;
    switch (format.letter) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I':
        this.integer(L, this.host.api.luaL_checknumber(L, arg));
        return true;
      case 'f':
      case 'd':
        this.float(L, this.host.api.luaL_checknumber(L, arg));
        return true;
      case 'c':
      case 's':
        this.string(L, arg);
        return true;
      case 'x':
        this.zeros(L, 1);
        return false;
    }
    format.apply(L);
    return false;
  }

  /** 64 bits of the number, and zeros in the place of further ones. */
  private integer(L: number, n: number): void {
    const { output } = this;
    const { size, littleEndian } = this.format;
    output.reserve(L, size);
    const { bytes } = this.host;
    const { at } = output;
    const small = Number.isInteger(n) && n >= 0 && n <= 0xffffffff;
    let low = small ? n : 0;
    let high = 0;
    if (!small) {
      const value = n < 0 ? BigInt.asUintN(64, BigInt(integerOf(n))) : unsignedOf(n);
      low = Number(value & 0xffffffffn);
      high = Number(value >> 32n);
    }
    for (let i = 0; i < size; i++) {
      const byte = i < 4 ? low >>> (i * 8) : i < 8 ? high >>> ((i - 4) * 8) : 0;
      bytes[littleEndian ? at + i : at + size - 1 - i] = byte;
    }
    output.at += size;
  }

  private float(L: number, n: number): void {
    const { output } = this;
    const { size, littleEndian } = this.format;
    output.reserve(L, size);
    const { bytes } = this.host;
    const { at } = output;
    if (size === 4) bytes.writeFloatLE(n, at);
    else bytes.writeDoubleLE(n, at);
    if (!littleEndian) bytes.subarray(at, at + size).reverse();
    output.at += size;
  }

  private string(L: number, arg: number): void {
    const { host, output, format } = this;
    const address = host.checkString(L, arg);
    const { length } = host;
    const size = format.letter === 's' || format.size === 0 ? length : format.size;
    // The argument after it: so says struct.
    if (size > length) host.argumentError(L, arg + 1, 'string too short');
    output.copy(L, address, size);
    if (format.letter === 's') this.zeros(L, 1);
  }

  private zeros(L: number, count: number): void {
    const { output } = this;
    output.reserve(L, count);
    for (let i = 0; i < count; i++) output.put(0);
  }
}
