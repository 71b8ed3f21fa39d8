import type { Keyspace } from './keyspace.js';

/** A number that is kept while the server works, beside what a walk over everything finds. */
export interface AuditLine {
  what: string;
  counted: number;
  live: number;
}

/**
 * Counts the memory of a keyspace by walking over all of it, to compare with the numbers that are kept: for tests, as
 * it takes as long as there is data. What waits to be freed is freed first.
 */
export function auditMemory(keyspace: Keyspace): AuditLine[] {
  const { arena, orderNodes, lazyFree } = keyspace;
  while (lazyFree.step(Number.POSITIVE_INFINITY));
  const live = walk(keyspace);
  return [
    { what: 'blocks', counted: arena.allocated, live: live.blocks },
    { what: 'pages', counted: arena.allocated, live: bytesInPages(keyspace) },
    { what: 'indexes', counted: arena.indexBytes, live: live.indexes },
    { what: 'trees', counted: orderNodes.allocated, live: live.trees },
  ];
}

function walk({ arena, databases, collections }: Keyspace) {
  const live = { blocks: 0, indexes: 0, trees: 0 };
  for (const database of databases) {
    const { keys, expires, fieldExpires } = database;
    live.indexes += keys.countedBytes + expires.countedBytes + fieldExpires.countedBytes;
    keys.forEach((ref) => {
      live.blocks += arena.capacityOf(ref);
      const handle = database.handleOf(ref);
      if (handle === undefined) return;
      const collection = collections.get(handle);
      live.blocks += collection.elementBytes(0);
      live.indexes += collection.indexBytes;
      live.trees += collection.treeBytes;
    });
  }
  return live;
}

function bytesInPages({ arena }: Keyspace): number {
  const { classes, largeBytes } = arena.statistics();
  return classes.reduce((sum, { blockBytes, usedBlocks }) => sum + blockBytes * usedBlocks, largeBytes);
}
