import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { dirname, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** What happened to one name. */
interface Effects {
  /** Came to be: created, linked, or renamed to. */
  appeared: number
  /** Went: deleted, or renamed from. */
  went: number
  /** Written through this very name. */
  written: number
}

type EffectsByPath = ReadonlyMap<string, Effects>

export function canWatch(): boolean {
  return process.platform === 'linux' && spawnSync('inotifywait', ['--help']).error === undefined
}

/**
 * Watches a folder through the kernel, independent of the product and of its ledger. Folders that come to be while it
 * watches are watched a moment later: what happens in them before that is not seen.
 */
export class EffectsWatch {
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #root: string

  private constructor(root: string, child: ChildProcess) {
    this.#root = root
    this.#child = child
  }

  static async begin(root: string): Promise<EffectsWatch> {
    const events = 'create,moved_to,moved_from,delete,modify'
    const child = spawn('inotifywait', ['-m', '-r', '-e', events, '--format', '%e|%w%f', root], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const watch = new EffectsWatch(root, child)
    createInterface({ input: child.stdout }).on('line', (line) => watch.#lines.push(line))
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`inotifywait ended with ${code}`)))
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (line.startsWith('Watches established')) resolve()
      })
    })
    return watch
  }

  /** Stops watching. @throws Error when the kernel's queue overflowed and events are lost */
  async end(): Promise<EffectsByPath> {
    // Events are on their way through a pipe.
    for (let before = -1; before !== this.#lines.length;) {
      before = this.#lines.length
      await sleep(100)
    }
    this.#child.removeAllListeners('exit')
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await gone
    return countEffects(this.#lines, this.#root)
  }
}

/** @param lines `CREATE|/top/a/b`, `MOVED_TO,ISDIR|/top/c` */
export function countEffects(lines: readonly string[], root: string): EffectsByPath {
  const byPath = new Map<string, Effects>()
  for (const line of lines) {
    const bar = line.indexOf('|')
    const events = line.slice(0, bar).split(',')
    if (events.includes('Q_OVERFLOW')) throw new Error('the kernel lost events: its queue overflowed')
    const path = relative(root, line.slice(bar + 1))
    let effects = byPath.get(path)
    if (!effects) byPath.set(path, (effects = { appeared: 0, went: 0, written: 0 }))
    if (events.includes('CREATE') || events.includes('MOVED_TO')) effects.appeared++
    if (events.includes('DELETE') || events.includes('MOVED_FROM')) effects.went++
    if (events.includes('MODIFY')) effects.written++
  }
  return byPath
}

/** What one name is expected to have seen. `seen: 'perhaps'` where its folder was not watched from the start. */
export interface Expected {
  path: string
  appeared: number
  went?: number
  seen?: 'perhaps'
}

/** It was in a folder that is gone from that name: renamed, or deleted after it. */
function wentWithItsFolder(effects: EffectsByPath, path: string): boolean {
  const folder = effects.get(dirname(path))
  return folder !== undefined && folder.went > 0 && folder.went >= folder.appeared
}

/** @returns what is not as expected; names beyond the expected ones must have come and gone in pairs, or never */
export function unexpected(effects: EffectsByPath, expected: readonly Expected[]): string[] {
  const problems: string[] = []
  const known = new Set(expected.map(({ path }) => path))
  for (const { path, appeared, went = 0, seen } of expected) {
    const found = effects.get(path) ?? { appeared: 0, went: 0, written: 0 }
    const enough = seen === 'perhaps' ? found.appeared <= appeared : found.appeared === appeared
    if (!enough) problems.push(`${path}: appeared ${found.appeared} times, not ${appeared}`)
    if (found.went !== went) problems.push(`${path}: went ${found.went} times, not ${went}`)
    if (found.written > 0) problems.push(`${path}: was written in place, so that somebody could have read half of it`)
  }
  for (const [path, found] of effects) {
    if (known.has(path) || found.went >= found.appeared || wentWithItsFolder(effects, path)) continue
    problems.push(`${path}: appeared ${found.appeared} times and went ${found.went} times`)
  }
  return problems
}
