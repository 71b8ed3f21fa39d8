// Makes one file of the server's modules, dist/process.js: loading them one by one takes Node longer than all else that
// it does until the first reply. Nothing is renamed or left out for size, and what the package exports stays as tsc made it.
import { rmSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rollup } from '@rollup/wasm-node';

const folder = fileURLToPath(new URL('../dist/', import.meta.url));
const file = `${folder}process.js`;

const bundle = await rollup({
  input: file,
  // Packages and Node's own modules are found as before.
  external: (id) => !id.startsWith('.') && !isAbsolute(id),
  plugins: [{ name: 'module-urls', resolveImportMeta: ownUrl }],
  onwarn(warning) {
    throw new Error(warning.message);
  },
});
await bundle.write({ file, format: 'es', inlineDynamicImports: true });
await bundle.close();
rmSync(`${file}.map`, { force: true }); // it describes what tsc made

/**
 * A module finds other files by its own place, which is no longer that of the code.
 *
 * @param {string | null} property of import.meta
 * @param {{ moduleId: string }} module
 */
function ownUrl(property, { moduleId }) {
  if (property !== 'url') return null;
  const path = relative(folder, moduleId).split(sep).join('/');
  return `new URL('./${path}', import.meta.url).href`;
}
