import type { LuaHost } from './host.js';
import { MessagePacker } from './msgpack-packer.js';
import { MessageUnpacker } from './msgpack-unpacker.js';
import type { Output } from './output.js';

/** Pushes the library `cmsgpack` (version 0.4.0 of its interface). */
export function pushCmsgpack(host: LuaHost, output: Output, L: number): void {
  const packer = new MessagePacker(host, output);
  const unpacker = new MessageUnpacker(host);
  const dropOptions = (L: number) => {
    if (host.api.lua_gettop(L) > 1) host.api.lua_settop(L, 1);
  };
  host.api.lua_createtable(L, 0, 0);
  host.setFunctions(L, {
    pack: (L) => packer.pack(L),
    unpack: (L) => unpacker.unpack(L, 0, 0),
    unpack_one: (L) => {
      const offset = host.optInteger(L, 2, 0);
      dropOptions(L);
      return unpacker.unpack(L, 1, offset);
    },
    unpack_limit: (L) => {
      const limit = host.checkInteger(L, 2);
      const offset = host.optInteger(L, 3, 0);
      dropOptions(L);
      return unpacker.unpack(L, limit, offset);
    },
  });
  host.setTexts(L, {
    _NAME: 'cmsgpack',
    _VERSION: 'lua-cmsgpack 0.4.0',
    _COPYRIGHT: 'Copyright (C) 2012, Salvatore Sanfilippo',
    _DESCRIPTION: 'MessagePack C implementation for Lua',
  });
}
