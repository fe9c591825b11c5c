import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Expected } from './effects.ts'

/** A small job made so that a certain step happens often in it. */
export interface Scene {
  /** Keys of `transfer` that are not at their default. */
  transfer?: object
  /** Where at the destination, when that is to be made. */
  target?: string
  arrange(source: string, destination: string): void
  /** When there is one, the first execution is undisturbed, this happens, and the second one dies. */
  change?(source: string, destination: string): void
  /** Whose names are looked after, when not the destination's. */
  watches?: 'source'
  /** What these names are to see from the execution that dies to its end. */
  expected(destination: string): Expected[]
  /** The destination's folder was there before: it is merged with and keeps its own time. */
  merges?: true
  /** Conflict copies: at the destination alone, on purpose. */
  mayBeExtra?(path: string): boolean
  /** Conflict copies at the source alone. */
  mayBeMissing?(path: string): boolean
  /** What comparing the trees can't see. */
  alsoCheck?(source: string, destination: string): string[]
}

const small = Array.from({ length: 12 }, (_, i) => `f${String(i).padStart(2, '0')}.txt`)
const conflicts = small.slice(0, 6)
const links = small.slice(0, 5).map((name) => `to-${name}`)
const large = 'large.bin'
const mebibyte = 1024 * 1024

/** Into a folder that exists: every name is watched from the start. */
const create: Scene = {
  merges: true,
  arrange(source, destination) {
    fill(source)
    mkdirSync(join(destination, 'a'))
  },
  expected: () => [...small, large].map((name) => ({ path: `a/${name}`, appeared: 1 })),
}

const containers: Scene = {
  arrange(source) {
    for (const folder of ['n0', 'n1', 'n2']) {
      mkdirSync(join(source, folder, 'inner'), { recursive: true })
      for (const name of small.slice(0, 3)) writeFileSync(join(source, folder, 'inner', name), folder + name)
    }
  },
  expected: () =>
    ['n0', 'n1', 'n2'].flatMap((folder): Expected[] => [
      { path: folder, appeared: 1 },
      { path: `${folder}/inner`, appeared: 1, seen: 'perhaps' },
      ...small.slice(0, 3).map((name): Expected => ({ path: `${folder}/inner/${name}`, appeared: 1, seen: 'perhaps' })),
    ]),
}

/** The root of the job is made by it. */
const root: Scene = {
  target: 'made/here',
  arrange: (source) => fill(source),
  expected: () =>
    ['', '/here', '/here/a', ...[...small, large].map((name) => `/here/a/${name}`)].map((path): Expected => {
      return { path: `made${path}`, appeared: 1, seen: 'perhaps' }
    }),
}

/** Every other file has changed since the first execution. */
const overwrite: Scene = {
  arrange: (source) => fill(source),
  change(source) {
    for (const name of changed()) writeFileSync(join(source, 'a', name), `${name}, and a second edition of it`)
  },
  expected: () => small.map((name) => ({ path: `a/${name}`, appeared: changed().includes(name) ? 1 : 0 })),
}

/** The destination holds other content under the same names, and both are to be kept. */
const conflict: Scene = {
  transfer: { conflict_resolution: 'copy' },
  merges: true,
  arrange(source, destination) {
    fill(source)
    mkdirSync(join(destination, 'a'))
    for (const name of conflicts) {
      const path = join(destination, 'a', name)
      writeFileSync(path, theirs(name))
      utimesSync(path, 1_709_288_130, 1_709_288_130)
    }
  },
  expected: (destination) => [
    ...[...small, large].map((name) => ({ path: `a/${name}`, appeared: 1, went: conflicts.includes(name) ? 1 : 0 })),
    ...readdirSync(join(destination, 'a'))
      .filter(isKept)
      .map((name) => ({ path: `a/${name}`, appeared: 1 })),
  ],
  mayBeExtra: isKept,
  alsoCheck(_source, destination) {
    const kept = readdirSync(join(destination, 'a')).filter(isKept)
    const contents = kept.map((name) => readFileSync(join(destination, 'a', name), 'utf8')).sort()
    return JSON.stringify(contents) === JSON.stringify(conflicts.map(theirs).sort())
      ? []
      : [`kept are ${kept.join(', ') || 'none'}: not each of the destination's own versions once`]
  },
}

const link: Scene = {
  merges: true,
  arrange(source, destination) {
    fill(source)
    for (const [i, name] of links.entries()) symlinkSync(small[i] ?? '', join(source, 'a', name))
    mkdirSync(join(destination, 'a'))
  },
  expected: () => [...small, large, ...links].map((name) => ({ path: `a/${name}`, appeared: 1 })),
}

/** Only permissions have changed since the first execution: no content moves. */
const attributes: Scene = {
  transfer: { permissions: { policy: 'add' } },
  arrange(source) {
    fill(source)
    for (const name of small) chmodSync(join(source, 'a', name), 0o644)
  },
  change(source) {
    for (const name of changed()) chmodSync(join(source, 'a', name), 0o664)
  },
  expected: () => small.map((name) => ({ path: `a/${name}`, appeared: 0 })),
  alsoCheck: (source, destination) =>
    small.flatMap((name) => {
      const [wanted, mode] = [source, destination].map((root) => lstatSync(join(root, 'a', name)).mode & 0o777)
      return wanted === mode ? [] : [`a/${name}: mode is ${mode?.toString(8)}, not ${wanted?.toString(8)}`]
    }),
}

/** Long enough for its progress to be recorded half-way. */
const partial: Scene = {
  merges: true,
  arrange(source, destination) {
    mkdirSync(join(source, 'a'))
    mkdirSync(join(destination, 'a'))
    const block = Buffer.alloc(mebibyte)
    const blocks = Array.from({ length: 192 }, (_, i) => Buffer.from(block.fill(i + 1)))
    writeFileSync(join(source, 'a', large), Buffer.concat(blocks))
  },
  expected: () => [{ path: `a/${large}`, appeared: 1 }],
}

/** Files and a folder are gone from the source since the first execution, and go at the destination. */
const mirror: Scene = {
  transfer: { delete_propagation: 'mirror' },
  arrange(source) {
    fill(source)
    mkdirSync(join(source, 'old', 'deep'), { recursive: true })
    for (const name of small.slice(0, 3)) writeFileSync(join(source, 'old', 'deep', name), name)
  },
  change(source) {
    rmSync(join(source, 'old'), { recursive: true })
    for (const name of changed()) rmSync(join(source, 'a', name))
  },
  expected: () => [
    ...small.map((name) => ({ path: `a/${name}`, appeared: 0, went: changed().includes(name) ? 1 : 0 })),
    { path: 'old', appeared: 0, went: 1 },
    { path: 'old/deep', appeared: 0, went: 1 },
    ...small.slice(0, 3).map((name) => ({ path: `old/deep/${name}`, appeared: 0, went: 1 })),
  ],
}

/** Everything leaves the source, once it has arrived. */
const move: Scene = {
  transfer: { transfer_type: 'move' },
  merges: true,
  arrange(source, destination) {
    fill(source)
    mkdirSync(join(destination, 'a'))
  },
  expected: () => [...small, large].map((name) => ({ path: `a/${name}`, appeared: 1 })),
  mayBeExtra: () => true,
  alsoCheck: (source, destination) => [
    ...readdirSync(source).map((name) => `${name} is still at the source`),
    ...small
      .filter((name) => readFileSync(join(destination, 'a', name), 'utf8') !== `${name}: ours`)
      .map((name) => `${name} did not arrive as it was`),
  ],
}

/** Each side has what the other has not; most of it goes to the source. */
const sync: Scene = {
  transfer: { transfer_type: 'sync' },
  merges: true,
  watches: 'source',
  arrange(source, destination) {
    mkdirSync(join(source, 'b'))
    mkdirSync(join(source, 'a'))
    for (const name of small.slice(0, 2)) writeFileSync(join(source, 'a', name), `${name}: ours`)
    fill(destination)
    renameSync(join(destination, 'a'), join(destination, 'b'))
    mkdirSync(join(destination, 'n', 'inner'), { recursive: true })
    for (const name of small.slice(0, 3)) writeFileSync(join(destination, 'n', 'inner', name), `${name}: theirs`)
  },
  expected: () => [
    ...small.slice(0, 2).map((name) => ({ path: `a/${name}`, appeared: 0 })),
    ...[...small, large].map((name) => ({ path: `b/${name}`, appeared: 1 })),
    ...['n', 'n/inner', ...small.slice(0, 3).map((name) => `n/inner/${name}`)].map((path): Expected => {
      return { path, appeared: 1, seen: 'perhaps' }
    }),
  ],
}

/** Edited and deleted on either side since the first execution, and some of it edited on both. */
const syncChanges: Scene = {
  transfer: { transfer_type: 'sync', delete_propagation: 'mirror' },
  merges: true,
  arrange: (source) => fill(source),
  change(source, destination) {
    for (const [i, name] of small.entries()) {
      const [here, there] = [source, destination].map((side) => join(side, 'a', name)) as [string, string]
      if (i < 3) writeFileSync(here, `${name}: edited here`)
      else if (i < 6) writeFileSync(there, `${name}: edited there, at more length`)
      else if (i < 8) rmSync(here)
      else if (i < 10) rmSync(there)
      else {
        writeFileSync(here, `${name}: older`)
        utimesSync(here, 1_709_288_130, 1_709_288_130)
        writeFileSync(there, `${name}: newer`)
      }
    }
  },
  expected: () =>
    small.map((name, i) => ({
      path: `a/${name}`,
      appeared: i < 3 ? 1 : 0,
      // What was deleted there had gone before.
      went: i >= 6 && i < 8 ? 1 : 0,
    })),
  mayBeMissing: isKept,
  alsoCheck(source) {
    const at = (name: string): string => readFileSync(join(source, 'a', name), 'utf8')
    const kept = readdirSync(join(source, 'a')).filter(isKept).map(at).sort()
    const wrong = small.flatMap((name, i) => {
      const is = i < 3 ? 'edited here' : i < 6 ? 'edited there, at more length' : i < 10 ? undefined : 'newer'
      const found = readdirSync(join(source, 'a')).includes(name) ? at(name) : undefined
      return found === (is && `${name}: ${is}`) ? [] : [`a/${name} at the source is ${found}`]
    })
    const expected = small.slice(10).map((name) => `${name}: older`)
    return JSON.stringify(kept) === JSON.stringify(expected) ? wrong : [...wrong, `kept at the source: ${kept.join()}`]
  },
}

export const scenes = {
  create,
  containers,
  root,
  overwrite,
  conflict,
  link,
  attributes,
  partial,
  mirror,
  move,
  sync,
  syncChanges,
} as const
export type SceneName = keyof typeof scenes

function fill(source: string): void {
  mkdirSync(join(source, 'a'))
  for (const name of small) {
    const path = join(source, 'a', name)
    writeFileSync(path, `${name}: ours`)
    // In the past: a file that changed a moment ago would be looked at again by any run.
    utimesSync(path, 1_709_374_530, 1_709_374_530)
  }
  // More than one read and write.
  writeFileSync(join(source, 'a', large), Buffer.alloc(700 * 1024, 'x'))
}

function changed(): string[] {
  return small.filter((_, i) => i % 2 === 0)
}

function theirs(name: string): string {
  return `${name}: what the destination had`
}

function isKept(path: string): boolean {
  return path.includes(' (conflict ')
}
