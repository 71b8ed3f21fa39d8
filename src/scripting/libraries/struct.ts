import type { LuaHost } from './host.js';
import type { Output } from './output.js';
import { structSize } from './struct-format.js';
import { StructPacker } from './struct-packer.js';
import { StructUnpacker } from './struct-unpacker.js';

/** Pushes the library `struct` (version 0.2 of its interface). */
export function pushStruct(host: LuaHost, output: Output, L: number): void {
  const packer = new StructPacker(host, output);
  const unpacker = new StructUnpacker(host);
  host.api.lua_createtable(L, 0, 0);
  host.setFunctions(L, {
    pack: (L) => packer.pack(L),
    unpack: (L) => unpacker.unpack(L),
    size: (L) => {
      host.api.lua_pushnumber(L, structSize(host, L));
      return 1;
    },
  });
}
