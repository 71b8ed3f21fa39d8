import type { LuaState } from '../lua/lua-state.js';
import { pushBit } from './bit.js';
import { pushCjson } from './cjson.js';
import { pushOs } from './clock.js';
import { pushCmsgpack } from './cmsgpack.js';
import { setFormat } from './format.js';
import { LuaHost } from './host.js';
import { Output } from './output.js';
import { setRandom } from './random.js';
import { pushStruct } from './struct.js';

export interface LibraryOptions {
  /** What `os.clock()` returns: the processor time that the process has used, in seconds. */
  cpuSeconds(): number;
}

/**
 * Gives a Lua machine the libraries that Redis's scripts have beside Lua's own, as global tables: `cjson`,
 * `cmsgpack`, `struct`, `bit`; an `os` with `clock` alone; `math.random`, `math.randomseed` and `string.format`
 * as they are in Redis. To be called once, after the standard libraries were opened.
 */
export function openLibraries(lua: LuaState, options: LibraryOptions): void {
  const host = new LuaHost(lua.module);
  const output = new Output(host);
  const { L } = lua;
  pushCjson(host, output, L);
  host.setGlobal(L, 'cjson');
  pushCmsgpack(host, output, L);
  host.setGlobal(L, 'cmsgpack');
  pushStruct(host, output, L);
  host.setGlobal(L, 'struct');
  pushBit(host, L);
  host.setGlobal(L, 'bit');
  pushOs(host, L, options.cpuSeconds);
  host.setGlobal(L, 'os');
  host.pushGlobal(L, 'math');
  setRandom(host, L);
  host.pushGlobal(L, 'string');
  setFormat(host, L);
  host.api.lua_settop(L, -3);
}
