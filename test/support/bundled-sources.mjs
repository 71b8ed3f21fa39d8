import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = join(ROOT, 'src');
/** Vitest leaves to Node what lies in node_modules. */
const FOLDER = join(ROOT, 'node_modules/.respite-test');

/** What runs when it is imported; no test does. */
const PROGRAMS = new Set(['engine.ts', 'main.ts', 'node-modules.ts']);

/**
 * Has a test file load the modules of src/ as one, made before the first test: a server has 400 of them, each test file
 * loads them anew, and vitest takes 2 ms for each and a call for each use of what one imports from another.
 *
 * @returns {import('vite').Plugin}
 */
export function bundledSources() {
  const file = join(FOLDER, `sources-${process.pid}.mjs`);
  /** @type {Map<string, string>} by path of a module, code that exports the same from the file */
  const replacements = new Map();
  return {
    name: 'bundled-sources',
    enforce: 'pre',
    async configResolved() {
      const modules = sourceModules();
      await bundle(modules, file);
      process.once('exit', () => rmSync(file, { force: true }));
      const namespaces = await import(pathToFileURL(file).href);
      for (const [index, path] of modules.entries()) {
        replacements.set(path, reexport(file, index, Object.keys(namespaces[`module${index}`])));
      }
    },
    load(id) {
      return replacements.get(resolve(id));
    },
  };
}

/** @returns {string[]} paths */
function sourceModules() {
  return readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .filter((file) => !PROGRAMS.has(file.replaceAll('\\', '/')))
    .map((file) => join(SOURCES, file));
}

/**
 * @param {string[]} modules
 * @param {string} file
 */
async function bundle(modules, file) {
  const entry = modules.map((path, index) => `export * as module${index} from ${JSON.stringify(path)};`);
  const bundler = await rolldown({
    input: 'entry',
    platform: 'node',
    external: (id) => id !== 'entry' && !id.startsWith('.') && !isAbsolute(id),
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? id : undefined),
        load: (id) => (id === 'entry' ? entry.join('\n') : undefined),
        transform: (code, id) => code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href)),
      },
    ],
  });
  mkdirSync(FOLDER, { recursive: true });
  await bundler.write({ file, format: 'esm', comments: false, codeSplitting: false });
  await bundler.close();
}

/**
 * @param {string} file
 * @param {number} index
 * @param {string[]} names
 */
function reexport(file, index, names) {
  const from = `import { module${index} as module } from ${JSON.stringify(pathToFileURL(file).href)};\n`;
  return from + names.map((name) => `export const ${name} = module.${name};\n`).join('');
}
