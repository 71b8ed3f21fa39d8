import { CjsonSettings } from './cjson-settings.js';
import type { HostBody, LuaHost } from './host.js';
import { JsonDecoder } from './json-decoder.js';
import { JsonEncoder } from './json-encoder.js';
import type { Output } from './output.js';

/** Pushes the library `cjson` (version 2.1.0 of its interface, with Redis's settings). */
export function pushCjson(host: LuaHost, output: Output, L: number): void {
  const settings = new CjsonSettings(host);
  const encoder = new JsonEncoder(host, output, settings);
  const decoder = new JsonDecoder(host, output, settings);
  const functions: Record<string, HostBody> = {
    encode: (L) => encoder.encode(L),
    decode: (L) => decoder.decode(L),
    ...settings.functions(),
    new: (L) => {
      push(L);
      return 1;
    },
  };
  const slots = Object.entries(functions).map(
    ([name, body]) => [name, host.module.addFunction(body, 'function')] as const,
  );
  const { api } = host;
  /** A table with settings of its own. Each has the same functions; the settings are their upvalue. */
  const push = (L: number): void => {
    api.lua_createtable(L, 0, 0);
    settings.push(L);
    for (const [name, slot] of slots) {
      host.pushText(L, name);
      api.lua_pushvalue(L, -2);
      api.lua_pushcclosure(L, slot, 1);
      api.lua_rawset(L, -4);
    }
    api.lua_settop(L, -2);
    host.setTexts(L, { _NAME: 'cjson', _VERSION: '2.1.0' });
    host.pushText(L, 'null');
    api.lua_pushlightuserdata(L, 0);
    api.lua_rawset(L, -3);
  };
  push(L);
}
