import { SeededRandom } from '../../src/ambient/random.js';
import { luaString } from '../support/lua-libraries.js';

const numbers = [
  '0',
  '-0',
  '1',
  '-1',
  '0.5',
  '-0.5',
  '1.5',
  '2.5',
  '0.1',
  '1/3',
  '1e15',
  '1e14',
  '1e-5',
  '1e-4',
  '1e300',
  '-1e300',
  '5e-324',
  '127',
  '128',
  '255',
  '256',
  '-32',
  '-33',
  '-128',
  '-129',
  '32767',
  '-32768',
  '-32769',
  '65535',
  '65536',
  '2^31',
  '2^31-1',
  '-2^31',
  '-2^31-1',
  '2^32',
  '2^32-1',
  '2^32+1',
  '2^53',
  '2^53+1',
  '-2^53',
  '2^63',
  '-2^63',
  '2^63-1024',
  '2^64',
  '-2^64',
  '1/0',
  '-1/0',
  '0/0',
  '12345678901234.5',
  '99999999999999.5',
  '3.14159265358979',
  '123456789.123456789',
]; // prettier-ignore

const strings = [
  '',
  'a',
  '1',
  '-5',
  'key',
  'a\0b',
  '"',
  '\\',
  '/',
  '\x01\x1f\x7f',
  '\x80\xff\xc3',
  'é€',
  '😀',
  '\n\r\t',
  'x'.repeat(40),
];

const jsonParts = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"a"',
  '"b":',
  '"',
  '1',
  '-1',
  '0.5',
  '1e5',
  '1E+2',
  '1e',
  '0x1f',
  '0x1.8p1',
  '01',
  '-0',
  '+1',
  'nan',
  '-inf',
  'Infinity',
  'true',
  'false',
  'null',
  'nul',
  ' ',
  '\t',
  '\n',
  '\0',
  '\\u0041',
  '"\\u00e9"',
  '"\\ud83d\\ude00"',
  '"\\ud83d"',
  '"\\x"',
  '"\\n\\/"',
  '123456789012345678',
  '1.7976931348623157e309',
  '4.9e-324',
  '\x80',
  '"\xff\xfe"',
  '.5',
  '5.',
  '-.5',
  '[1,2,3]',
  '{"k":[{}]}',
]; // prettier-ignore

/** Lua code that exercises the libraries, the same for the same seed. Each piece stands alone. */
export class LibraryCases {
  private readonly random: SeededRandom;

  readonly groups = {
    'cjson.encode': () => `cjson.encode(${this.value(4)})`,
    'cjson.decode': () => `cjson.decode(${luaString(this.json())})`,
    'cjson settings': () => this.cjsonSettings(),
    'JSON there and back': () => `cjson.encode(cjson.decode(cjson.encode(${this.value(4)})))`,
    'cmsgpack.pack': () => `cmsgpack.pack(${this.list(() => this.value(3))})`,
    'cmsgpack.unpack': () => this.unpack(),
    'struct.pack': () => `struct.pack(${luaString(this.format())}, ${this.list(() => this.scalar())})`,
    'struct.unpack': () =>
      `struct.unpack(${luaString(this.format())}, ${luaString(this.bytes(40))}${this.option()})`,
    'struct.size': () => `struct.size(${luaString(this.format())})`,
    bit: () =>
      `bit.${this.pick(['tobit', 'tohex', 'bnot', 'band', 'bor', 'bxor', 'lshift', 'rshift', 'arshift', 'rol', 'ror', 'bswap'])}(${this.list(() => this.number())})`,
    'math.random': () =>
      `math.randomseed(${this.number()}) return math.random(), math.random(), math.random(${this.list(() => this.number())})`,
    'string.format': () => `string.format(${luaString(this.printf())}, ${this.list(() => this.number())})`,
  };

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  private below(n: number): number {
    return Math.floor(this.random.next() * n);
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  private number(): string {
    switch (this.below(4)) {
      case 0:
        return String(this.below(2000) - 1000);
      case 1:
        return `${this.random.int32()}${this.pick(['', '.5', 'e3', 'e-7', 'e12', '/7'])}`;
    }
    return this.pick(numbers);
  }

  private bytes(length: number): string {
    let bytes = '';
    for (let i = this.below(length); i > 0; i--) bytes += String.fromCharCode(this.below(256));
    return bytes;
  }

  private string(): string {
    return luaString(
      this.below(4) === 0 ? this.bytes(50) : Buffer.from(this.pick(strings)).toString('latin1'),
    );
  }

  /** Redis's Lua hashes long strings otherwise, so they come in another order in its tables. */
  private key(): string {
    return luaString(
      this.below(4) === 0 ? this.bytes(31) : this.pick(['a', '1', '-5', 'key', 'a\0b', '/', '\x80\xff', '']),
    );
  }

  private scalar(): string {
    switch (this.below(12)) {
      case 0:
        return this.pick(['true', 'false']);
      case 1:
        return this.pick(['nil', 'cjson.null', 'assert']);
      case 2:
      case 3:
      case 4:
      case 5:
        return this.string();
    }
    return this.number();
  }

  private value(depth: number): string {
    if (depth === 0 || this.below(3) === 0) return this.scalar();
    const items = Array.from({ length: this.below(6) }, () => this.item(depth - 1));
    return `{${items.join(',')}}`;
  }

  private item(depth: number): string {
    const value = this.value(depth);
    switch (this.below(8)) {
      case 0:
        return `[${this.below(30) - 2}]=${value}`;
      case 1:
        return `[${this.pick(['1.5', '-1', '0', '2^53', '2^31', 'true', '1e15', '1/0'])}]=${value}`;
      case 2:
      case 3:
        return `[${this.key()}]=${value}`;
    }
    return value;
  }

  private list(one: () => string): string {
    return Array.from({ length: 1 + this.below(4) }, one).join(', ');
  }

  private json(): string {
    if (this.below(3) > 0) return mutate(this.validJson(4), this.random);
    return Array.from({ length: 1 + this.below(8) }, () => this.pick(jsonParts)).join('');
  }

  private validJson(depth: number): string {
    if (depth === 0 || this.below(3) === 0) {
      return this.pick([
        '1',
        '-0',
        '2.5',
        '1e300',
        '"a"',
        '"\\u20ac\\n"',
        '""',
        'true',
        'null',
        '0x10',
        'nan',
        '"\xff"',
      ]);
    }
    const items = Array.from({ length: this.below(5) }, () => this.validJson(depth - 1));
    if (this.below(2) === 0) return `[${items.join(this.pick([',', ' , ']))}]`;
    return `{${items.map((item) => `${this.pick(['"a"', '"1"', '""', '"b\\n"', '"cd"'])} : ${item}`).join(',')}}`;
  }

  private cjsonSettings(): string {
    const setting = this.pick([
      `encode_sparse_array(${this.pick(['true', 'false', 'nil', '"x"'])}, ${this.number()}, ${this.number()})`,
      `encode_max_depth(${this.below(6)})`,
      `decode_max_depth(${this.below(6)})`,
      `encode_number_precision(${this.below(16)})`,
      `encode_invalid_numbers(${this.pick(['true', 'false', '"null"', '"on"', '"x"', '1'])})`,
      `decode_invalid_numbers(${this.pick(['true', 'false', '"null"', '"off"'])})`,
      `encode_keep_buffer(${this.pick(['true', 'false', 'nil', '2'])})`,
      `encode_max_depth(${this.number()})`,
    ]);
    const use = this.below(2) === 0 ? `encode(${this.smallValue()})` : `decode(${luaString(this.json())})`;
    return `local c = cjson.new() return pcall(c.${setting.replace('(', ', ')}, pcall(c.${use.replace('(', ', ')}`;
  }

  /** Without keys so large that a ratio of 0 makes an array of billions of them. */
  private smallValue(): string {
    return this.value(4).replaceAll('[2^31]', '[31]');
  }

  private unpack(): string {
    const message = luaString(this.below(2) === 0 ? this.bytes(12) : this.message(3));
    return this.pick([
      `cmsgpack.unpack(${message})`,
      `cmsgpack.unpack_one(${message}${this.option()})`,
      `cmsgpack.unpack_limit(${message}, ${this.below(4)}${this.option()})`,
    ]);
  }

  private message(depth: number): string {
    const count = this.below(4);
    const nested = depth > 0 ? this.below(4) : 3;
    if (nested === 0)
      return `${String.fromCharCode(0x90 | count)}${this.repeat(count, () => this.message(depth - 1))}`;
    if (nested === 1) {
      return `${String.fromCharCode(0x80 | count)}${this.repeat(count, () => this.message(0) + this.message(depth - 1))}`;
    }
    const head = this.pick([
      0xa3, 0xc0, 0xc2, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd9, 0x05, 0xe5,
    ]);
    const length = { 163: 3, 202: 4, 203: 8, 204: 1, 205: 2, 206: 4, 207: 8, 208: 1, 209: 2, 210: 4, 211: 8 }[
      head
    ];
    if (head === 0xd9) return '\xd9\x02ab';
    return String.fromCharCode(head) + this.repeat(length ?? 0, () => String.fromCharCode(this.below(256)));
  }

  private repeat(count: number, one: () => string): string {
    return Array.from({ length: count }, one).join('');
  }

  private option(): string {
    return this.below(3) === 0 ? `, ${this.below(4) === 0 ? this.number() : this.below(8)}` : '';
  }

  private format(): string {
    const letters = [
      'b',
      'B',
      'h',
      'H',
      'l',
      'L',
      'T',
      'i',
      'I',
      'f',
      'd',
      's',
      'c',
      'x',
      '<',
      '>',
      '!',
      ' ',
      'z',
    ];
    return this.repeat(1 + this.below(6), () => {
      const letter = this.pick(letters.slice(0, this.below(8) === 0 ? 19 : 18));
      if ('iIc!'.includes(letter) && this.below(2) === 0)
        return letter + this.pick(['0', '1', '2', '3', '4', '5', '7', '8', '9', '12', '16']);
      return letter;
    });
  }

  private printf(): string {
    return this.repeat(1 + this.below(3), () => {
      const flags = this.repeat(this.below(3), () => this.pick(['-', '+', ' ', '#', '0']));
      const width = this.below(2) === 0 ? '' : String(this.below(30));
      const precision = this.below(3) > 0 ? '' : `.${this.pick(['', '0', '3', '20'])}`;
      const letter = this.pick(['d', 'i', 'u', 'x', 'X', 'o', 'd', 'x', 'g', 's', 'f', '%']);
      if (letter === '%') return '%%';
      // A blank or plus has no meaning for unsigned numbers, nor # for decimal ones: C leaves that open.
      return `%${letter === 's' ? '' : flags}${width}${letter === 's' ? '' : precision}${letter}${this.pick(['', '|', ' '])}`;
    });
  }
}

/** Now and then a byte is replaced or the end is cut off. */
function mutate(text: string, random: SeededRandom): string {
  const chance = random.next();
  const at = Math.floor(random.next() * text.length);
  if (chance < 0.15) return text.slice(0, at);
  if (chance < 0.3)
    return text.slice(0, at) + String.fromCharCode(Math.floor(random.next() * 256)) + text.slice(at + 1);
  return text;
}
