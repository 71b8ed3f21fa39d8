// Makes one file of all that the server process loads, packages too, dist/process.cjs, for src/compiled-program.ts;
// and, without packages, one of what the package exports, dist/index.js, and one of the thread that both have: loading
// modules one by one takes Node longer than all else that it does until the first reply. Nothing is renamed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const START_TIMEOUT_MS = 30_000;

const folder = fileURLToPath(new URL('../dist/', import.meta.url));

/** What `ownUrl` has in place of a module's own address, in a file that Node loads. */
const ownFolder = "const folderUrl = require('node:url').pathToFileURL(__dirname + '/').href;";

for (const file of cacheFiles()) rmSync(join(folder, file)); // they belong to the code before
const program = await bundle('process.js', 'cjs');
write('process.cjs', `(function (exports, require, folderUrl, __dirname) {${program.code}\n})`);
write('process.licenses.txt', licenses(program.moduleIds));
const main = await bundle('main.js', 'cjs');
write(
  'main.cjs',
  main.code.replace('"use strict";\n', (strict) => `${strict}${ownFolder}\n`),
);
chmodSync(join(folder, 'main.cjs'), 0o755);
write('main.js', "#!/usr/bin/env node\nimport './main.cjs';\n");
for (const name of ['index.js', 'persistence/snapshot-thread.js']) {
  const library = await bundle(name, 'esm');
  write(name, library.code);
  rmSync(join(folder, `${name}.map`));
}
for (const replaced of ['main.js.map', 'process.js', 'process.js.map']) rmSync(join(folder, replaced));
await keepCompiled();

/** @returns {string[]} what CompiledProgram has written, unfinished files too */
function cacheFiles() {
  return readdirSync(folder).filter((file) => /^process\..+\.cache/.test(file));
}

/**
 * In one step, for a server may start meanwhile.
 *
 * @param {string} name
 * @param {string} text
 */
function write(name, text) {
  const unfinished = join(folder, `${name}.unfinished`);
  writeFileSync(unfinished, text);
  renameSync(unfinished, join(folder, name));
}

/**
 * Code of a module with all that it imports; with packages in CommonJS, where it is a program.
 *
 * @param {string} name
 * @param {'cjs' | 'esm'} format
 * @returns {Promise<{ code: string, moduleIds: string[] }>}
 */
async function bundle(name, format) {
  const file = join(folder, name);
  const bundler = await rolldown({
    input: file,
    platform: 'node',
    external: (id) => format === 'esm' && !id.startsWith('.') && !isAbsolute(id),
    plugins: [{ name: 'module-urls', transform: (code, id) => ownUrl(code, id, dirname(file), format) }],
    onLog(_level, log) {
      throw new Error(log.message);
    },
  });
  const { output } = await bundler.generate({ format, strict: true, comments: false, codeSplitting: false });
  await bundler.close();
  return { code: toAscii(output[0].code), moduleIds: output[0].moduleIds };
}

/**
 * A module finds other files by its own place, which is no longer that of the code.
 *
 * @param {string} code
 * @param {string} id path of the module
 * @param {string} base folder of the file that the code goes into
 * @param {'cjs' | 'esm'} format
 * @returns {string | undefined}
 */
function ownUrl(code, id, base, format) {
  if (!resolve(id).startsWith(folder)) return undefined;
  const path = relative(base, resolve(id)).split(sep).join('/');
  const bundleUrl = format === 'esm' ? 'import.meta.url' : 'folderUrl';
  return code.replaceAll('import.meta.url', `new URL(${JSON.stringify(path)}, ${bundleUrl}).href`);
}

/**
 * The engine keeps text of ASCII alone in half the space, and takes it as it lies in the file. Other characters stand
 * in strings and expressions only, not behind a backslash nor in `String.raw`.
 *
 * @param {string} code
 */
function toAscii(code) {
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * The licences of the packages in the file, which ask to go with every copy.
 *
 * @param {string[]} modules
 */
function licenses(modules) {
  const packages = new Set(modules.filter((id) => id.includes('node_modules')).map(packageFolder));
  return [...packages].sort().map(licenseOf).join('\n');
}

/** @param {string} module */
function packageFolder(module) {
  let at = dirname(module);
  // Folders within a package may have a package.json that only says how their modules are to be read.
  while (!existsSync(join(at, 'package.json')) || packageJson(at).name === undefined) at = dirname(at);
  return at;
}

/** @param {string} directory */
function packageJson(directory) {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
}

/** @param {string} directory */
function licenseOf(directory) {
  const { name, version, license } = packageJson(directory);
  const own = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
  const text = own === undefined ? license : readFileSync(join(directory, own), 'utf8');
  return `${name} ${version}\n\n${text.trim()}\n`;
}

/**
 * Starts the server once, away from anybody's data: what the engine compiles is then there for the start after this.
 */
async function keepCompiled() {
  const cwd = mkdtempSync(join(tmpdir(), 'respite-build-'));
  const server = spawn(
    process.execPath,
    [join(folder, 'main.cjs'), '--port', '0', '--unixsocket', join(cwd, 'socket'), '--save', ''],
    {
      cwd,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const ended = once(server, 'exit');
  try {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!cacheFiles().some((file) => file.endsWith('.cache'))) {
      if (server.exitCode !== null) throw new Error(`the server ended with status ${server.exitCode}`);
      if (Date.now() > deadline) throw new Error(`the server has not kept what was compiled in ${folder}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  } finally {
    server.kill('SIGKILL');
    await ended;
    rmSync(cwd, { recursive: true, force: true });
  }
}
