// Imports in src/ point downwards only, and no files import each other in a circle. See docs/ARCHITECTURE.md.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The layers, high to low: a file may import from its own layer and from lower ones. Layers on one line
 * know nothing of each other.
 *
 * @type {{ layers: string[], why: string }[]}
 */
const RANKS = [
  { layers: ['main.ts'], why: 'the command line starts everything' },
  { layers: ['compiled-program.ts'], why: 'it runs a file and knows nothing of what is in it' },
  { layers: ['node-modules.ts'], why: 'what Node brings compiled, before the engine’s settings change' },
  { layers: ['engine.ts'], why: 'settings of the JavaScript engine, before anything else' },
  { layers: ['process.ts'], why: 'signals, pid file, daemon: what a process does around a server' },
  { layers: ['check'], why: 'it reads the files that a server has, without a server' },
  { layers: ['command-line.ts'], why: 'arguments become settings; who starts a server with them is above' },
  { layers: ['index.ts'], why: 'the embedding API puts a server together' },
  { layers: ['server'], why: 'the composition root: it knows every part' },
  {
    layers: ['replication', 'cluster'],
    why: 'they drive the dispatcher as a client does, and feed on what it propagates',
  },
  { layers: ['dispatch'], why: 'it runs commands, and no command runs it' },
  { layers: ['commands'], why: 'handlers use clients, the keyspace and the values' },
  { layers: ['scripting'], why: 'engines run what commands hand them, through an interface of their own' },
  { layers: ['pubsub'], why: 'messages go to clients' },
  { layers: ['clients', 'acl'], why: 'a client’s state names databases, channels and users' },
  { layers: ['persistence'], why: 'files are written from and read into the keyspace' },
  { layers: ['keyspace'], why: 'databases hold values under keys' },
  { layers: ['values'], why: 'types are built on the data structures, and know no keys' },
  { layers: ['links'], why: 'connections on which we are the client; they carry bytes' },
  { layers: ['memory'], why: 'data structures know bytes only' },
  { layers: ['protocol', 'config'], why: 'texts and numbers on the wire and in files: bytes only' },
  { layers: ['observation'], why: 'what is noted down of durations; whoever works may note something' },
  { layers: ['ambient'], why: 'clock and chance: interfaces that anyone may be given; stopping the thread' },
  { layers: ['bytes'], why: 'the lowest: it imports nothing' },
];

/** `import ... from '...'`, `export ... from '...'`, `import '...'` and `import('...')`, also over several lines. */
const IMPORT = /^(?:import|export)\b([^;'"]*?)\bfrom\s*'(\.[^']*)'|\bimport\s*\(?\s*'(\.[^']*)'/gm;

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('../src', import.meta.url)));
const rankOf = new Map(RANKS.flatMap(({ layers }, rank) => layers.map((layer) => [layer, rank])));
const imports = readImports();
const problems = [...findUpwardImports(), ...findCircles()];
for (const problem of problems) console.error(problem);
console.log(`${imports.size} files, ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;

/** @returns {Map<string, { file: string, line: number, typeOnly: boolean }[]>} by file, what it imports from src/ */
function readImports() {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return new Map(files.sort().map((file) => [file.split(sep).join('/'), importsOf(file)]));
}

/** @param {string} file */
function importsOf(file) {
  const text = readFileSync(join(root, file), 'utf8');
  const found = [];
  for (const match of text.matchAll(IMPORT)) {
    const [statement, words = ''] = match;
    const path = match[2] ?? match[3];
    const target = resolve(root, dirname(file), path.replace(/\.js$/, '.ts'));
    const line = text.slice(0, match.index + statement.lastIndexOf(path)).split('\n').length;
    const typeOnly = /^\s*type\s/.test(words) || /^\s*\{(\s*type\s+\w+(\s+as\s+\w+)?\s*,?)+\s*\}/.test(words);
    found.push({ file: relative(root, target).split(sep).join('/'), line, typeOnly });
  }
  return found;
}

/** @param {string} file */
function layerOf(file) {
  return file.split('/')[0];
}

function findUpwardImports() {
  const found = [];
  for (const [file, targets] of imports) {
    const rank = rankOf.get(layerOf(file));
    if (rank === undefined) {
      found.push(
        `src/${file}: the layer '${layerOf(file)}' has no rank; give it one in scripts/check-layers.mjs`,
      );
      continue;
    }
    for (const target of targets) {
      const problem = judge(file, rank, target.file);
      if (problem) found.push(`src/${file}:${target.line}: imports src/${target.file}, ${problem}`);
    }
  }
  return found;
}

/**
 * @param {string} file
 * @param {number} rank
 * @param {string} target
 * @returns {string | undefined}
 */
function judge(file, rank, target) {
  if (target.startsWith('..')) return 'which is outside src/';
  if (!imports.has(target) && !existsSync(join(root, target))) return 'which does not exist';
  const targetRank = rankOf.get(layerOf(target));
  if (targetRank === undefined || targetRank > rank || layerOf(file) === layerOf(target)) return undefined;
  const { why } = RANKS[targetRank];
  if (targetRank === rank)
    return `but '${layerOf(file)}' and '${layerOf(target)}' are beside each other (${why})`;
  return `but '${layerOf(target)}' is above '${layerOf(file)}' (${why})`;
}

/**
 * Depth-first search; each circle is reported once, from its first file in alphabetical order. Imports of types
 * do not count: they are gone when the program runs, and two types may well name each other.
 */
function findCircles() {
  /** @type {Set<string>} */
  const finished = new Set();
  /** @type {Set<string>} */
  const circles = new Set();
  /** @param {string} file @param {string[]} path */
  const visit = (file, path) => {
    const seenAt = path.indexOf(file);
    if (seenAt >= 0) circles.add(describeCircle(path.slice(seenAt)));
    if (seenAt >= 0 || finished.has(file)) return;
    for (const { file: target, typeOnly } of imports.get(file) ?? []) {
      if (!typeOnly) visit(target, [...path, file]);
    }
    finished.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return circles;
}

/** @param {string[]} circle */
function describeCircle(circle) {
  const first = circle.indexOf([...circle].sort()[0]);
  const turned = [...circle.slice(first), ...circle.slice(0, first)];
  return `circle: ${[...turned, turned[0]].map((file) => posix.join('src', file)).join(' -> ')}`;
}
