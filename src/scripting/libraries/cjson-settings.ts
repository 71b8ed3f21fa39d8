import { LuaType } from '../lua/exports.js';
import { type LuaHost, upvalueIndex } from './host.js';
import { MAX_INT } from './lua-numbers.js';
import { DEFAULT_PRECISION } from './number-format.js';

/**
 * The settings of one `cjson` object. They are kept as words of a Lua userdatum that all its functions have as
 * their upvalue, so that Lua's garbage collector frees what `cjson.new` made.
 */
export const Setting = {
  sparseConvert: 0,
  sparseRatio: 1,
  sparseSafe: 2,
  encodeMaxDepth: 3,
  decodeMaxDepth: 4,
  encodeInvalidNumbers: 5,
  decodeInvalidNumbers: 6,
  encodeKeepBuffer: 7,
  encodeNumberPrecision: 8,
} as const;

type SettingIndex = (typeof Setting)[keyof typeof Setting];

const DEFAULTS = [0, 2, 10, 1000, 1000, 0, 1, 1, 14];

const OFF_ON = ['off', 'on'];
const OFF_ON_NULL = ['off', 'on', 'null'];

/** Values of `encodeInvalidNumbers`. */
export const InvalidNumbers = { refuse: 0, write: 1, null: 2 } as const;

export class CjsonSettings {
  constructor(private readonly host: LuaHost) {}

  /** Pushes a userdatum with the default settings. */
  push(L: number): void {
    const address = this.host.api.lua_newuserdata(L, DEFAULTS.length * 4);
    DEFAULTS.forEach((value, index) => {
      this.host.bytes.writeInt32LE(value, address + index * 4);
    });
  }

  /** The address of the settings of the function that runs. */
  address(L: number): number {
    return this.host.api.lua_touserdata(L, upvalueIndex(1));
  }

  get(address: number, setting: SettingIndex): number {
    return this.host.bytes.readInt32LE(address + setting * 4);
  }

  /** The functions that read and change settings, by their names in the library. */
  functions(): Record<string, (L: number) => number> {
    return {
      encode_sparse_array: (L) => {
        const address = this.begin(L, 3);
        this.choice(L, 1, address, Setting.sparseConvert, OFF_ON);
        this.integer(L, 2, address, Setting.sparseRatio, 0, MAX_INT);
        this.integer(L, 3, address, Setting.sparseSafe, 0, MAX_INT);
        return 3;
      },
      encode_max_depth: (L) => this.integer(L, 1, this.begin(L, 1), Setting.encodeMaxDepth, 1, MAX_INT),
      decode_max_depth: (L) => this.integer(L, 1, this.begin(L, 1), Setting.decodeMaxDepth, 1, MAX_INT),
      encode_number_precision: (L) =>
        this.integer(L, 1, this.begin(L, 1), Setting.encodeNumberPrecision, 1, DEFAULT_PRECISION),
      encode_keep_buffer: (L) => this.choice(L, 1, this.begin(L, 1), Setting.encodeKeepBuffer, OFF_ON),
      encode_invalid_numbers: (L) =>
        this.choice(L, 1, this.begin(L, 1), Setting.encodeInvalidNumbers, OFF_ON_NULL),
      decode_invalid_numbers: (L) =>
        this.choice(L, 1, this.begin(L, 1), Setting.decodeInvalidNumbers, OFF_ON),
    };
  }

  /** Makes the arguments `count` values, nil where they are missing. Returns the settings' address. */
  private begin(L: number, count: number): number {
    const { api } = this.host;
    if (api.lua_gettop(L) > count) this.host.argumentError(L, count + 1, 'found too many arguments');
    api.lua_settop(L, count);
    return this.address(L);
  }

  /** Sets an integer setting unless the argument is nil; pushes its value. */
  private integer(L: number, arg: number, address: number, setting: SettingIndex, min: number, max: number) {
    const { host } = this;
    if (host.api.lua_type(L, arg) !== LuaType.nil) {
      const value = host.checkInt(L, arg);
      if (value < min || value > max) {
        // The first argument, whichever it was: so says cjson.
        host.argumentError(L, 1, `expected integer between ${min} and ${max}`);
      }
      this.set(address, setting, value);
    }
    host.api.lua_pushnumber(L, this.get(address, setting));
    return 1;
  }

  /** Sets a setting to a boolean or to one of some words unless the argument is nil; pushes its value. */
  private choice(L: number, arg: number, address: number, setting: SettingIndex, words: string[]): number {
    const { api } = this.host;
    const type = api.lua_type(L, arg);
    if (type === LuaType.boolean) this.set(address, setting, api.lua_toboolean(L, arg));
    else if (type !== LuaType.nil) this.set(address, setting, this.checkWord(L, arg, words));
    const value = this.get(address, setting);
    if (value <= 1) api.lua_pushboolean(L, value);
    else this.host.pushText(L, words[value]);
    return 1;
  }

  private checkWord(L: number, arg: number, words: string[]): number {
    const { host } = this;
    const address = host.checkString(L, arg);
    const { bytes } = host;
    const end = bytes.indexOf(0, address); // compared and shown as a C string
    const word = bytes.toString('latin1', address, end);
    const index = words.indexOf(word);
    if (index < 0) host.argumentError(L, arg, `invalid option '${word}'`);
    return index;
  }

  private set(address: number, setting: SettingIndex, value: number): void {
    this.host.bytes.writeInt32LE(value, address + setting * 4);
  }
}
