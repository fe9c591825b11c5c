import { randomFillSync } from 'node:crypto'
import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStevedore, tail, type Running } from '../../scripts/rig/processes.ts'

export const mib = 1024 * 1024

/** A folder of shares, jobs and homes, and the command run on them as people run it. */
export class Moves {
  readonly folder: string
  readonly #running = new Set<Running>()

  constructor(name: string) {
    const base = disk.existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
    this.folder = disk.mkdtempSync(join(base, `stevedore-${name}-e2e-`))
  }

  /** An empty share. */
  sideOf(name: string): string {
    disk.mkdirSync(join(this.folder, name), { recursive: true })
    return join(this.folder, name)
  }

  /** @returns the path of a job file; with one name it is one job */
  jobOf(name: string, source: object, destination: object, transfer: object = {}): string {
    const file = join(this.folder, `${name}.json`)
    const document = { name, kind: 'transfer', transfer: { transfer_type: 'copy', ...transfer, source, destination } }
    disk.writeFileSync(file, JSON.stringify(document))
    return file
  }

  start(home: string, job: string, env: Record<string, string> = {}): Running {
    const one = startStevedore(['run', job], {
      home: join(this.folder, `home of ${home}`),
      log: join(this.folder, `${home}.log`),
      env,
    })
    this.#running.add(one)
    void one.ended.then(() => this.#running.delete(one))
    return one
  }

  /** @throws with the end of what it said, unless it ends well */
  async runs(home: string, job: string): Promise<void> {
    const { code } = await this.start(home, job).ended
    if (code !== 0) throw new Error(`stevedore run ended with ${code}:\n${tail(join(this.folder, `${home}.log`))}`)
  }

  async end(): Promise<void> {
    for (const one of this.#running) await one.end('SIGTERM')
    disk.rmSync(this.folder, { recursive: true, force: true })
  }
}

export function onDisk(root: string): object {
  return { connection: { platform: { id: 'fs' }, auth: { root, impersonation: 'ignore' } }, target: { path: '/' } }
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

export function writeNoise(path: string, bytes: number): void {
  const fd = disk.openSync(path, 'w')
  const chunk = Buffer.allocUnsafe(mib)
  for (let at = 0; at < bytes; at += mib) disk.writeSync(fd, randomFillSync(chunk), 0, Math.min(mib, bytes - at))
  disk.closeSync(fd)
}

export function writeNastyTree(root: string): void {
  const deep = Array.from({ length: 20 }, (_, i) => `level ${i}`)
  for (const path of [['folder'], ['empty'], deep, ['Ünï +%&=?#;:@"\'<>']])
    disk.mkdirSync(join(root, ...path), { recursive: true })
  const names = [
    'plain.txt',
    'with space',
    '100% +plus',
    'a&b=c?d#e',
    'quote"\'<x>',
    'ä\u0308 decomposed',
    '日本語',
    '🚀',
    '-rf',
    'back\\slash',
    '~',
    '%2e%2e',
    'x'.repeat(200),
  ]
  for (const [i, name] of names.entries()) {
    for (const at of [root, join(root, ...deep), join(root, 'Ünï +%&=?#;:@"\'<>')]) {
      disk.writeFileSync(join(at, name), Buffer.alloc(i * 1009, name))
      disk.utimesSync(join(at, name), 1_500_000_000 + i, 1_500_000_000.25 + i)
    }
  }
  disk.writeFileSync(join(root, 'folder', 'changed.txt'), 'of yesterday')
  disk.writeFileSync(join(root, 'empty.bin'), '')
  for (const [name, bytes] of [
    ['one part', 8 * mib],
    ['two parts', 8 * mib + 1],
    ['large', 100 * mib],
  ] as const)
    writeNoise(join(root, 'folder', name), bytes)
  disk.utimesSync(join(root, 'folder', 'two parts'), -1000, -1000)
}
