import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { compareTrees, sayDifferences } from '../rig/compare_trees.ts'
import { allFeaturesJob, copyJob, type Ends } from '../rig/jobs.ts'
import { writeLargeFiles, writeSmallFiles, type Tree } from '../rig/trees.ts'
import type { Measurements } from './gates.ts'
import type { Workload } from './options.ts'
import type { Ours, Run } from './ours.ts'
import { runPeer, type Peer, type Peers } from './peers.ts'
import type { Sizes } from './sizes.ts'

interface SittingParts {
  /** On tmpfs: trees and results go here. */
  folder: string
  ours: Ours
  peers: Peers
  sizes: Sizes
  say(line: string): void
}

/**
 * All rounds of all workloads: us, the others, us with everything on, and again, so that whatever else the machine does
 * meets all of them alike. Every result is read back and compared before it counts.
 */
export class Sitting {
  readonly measured: Measurements = {}
  readonly #folder: string
  readonly #ours: Ours
  readonly #peers: Peer[]
  readonly #sizes: Sizes
  readonly #say: (line: string) => void
  #number = 0

  constructor({ folder, ours, peers, sizes, say }: SittingParts) {
    this.#folder = folder
    this.#ours = ours
    this.#peers = Object.values(peers)
    this.#sizes = sizes
    this.#say = say
  }

  async run(only: readonly Workload[]): Promise<void> {
    if (only.includes('W10')) await this.#w10()
    if (only.includes('W1') || only.includes('W3')) {
      const tree = writeSmallFiles(join(this.#folder, 'w1'), this.#sizes.w1)
      await this.#warmUp(tree)
      if (only.includes('W1')) await this.#firstCopies('W1', tree)
      if (only.includes('W3')) await this.#w3(tree)
      rmSync(tree.root, { recursive: true })
    }
    if (only.includes('W2')) {
      const tree = writeLargeFiles(join(this.#folder, 'w2'), this.#sizes.w2)
      await this.#firstCopies('W2', tree)
      rmSync(tree.root, { recursive: true })
    }
  }

  /** Everybody once, uncounted: code is compiled, caches are filled, programs are in memory. */
  async #warmUp(tree: Tree): Promise<void> {
    this.#say('warm-up …')
    const plain = this.#fresh()
    await this.#ours.submit(copyJob(this.#ends(tree, plain)))
    this.#checkAndRemove(tree, plain)
    await this.#allFeatures(tree)
    for (const peer of this.#peers) {
      const destination = this.#fresh()
      await runPeer(peer, tree.root, destination)
      this.#checkAndRemove(tree, destination)
    }
  }

  async #firstCopies(id: 'W1' | 'W2', tree: Tree): Promise<void> {
    for (let pair = 1; pair <= this.#sizes.pairs; pair++) {
      const times: [string, number][] = []
      const destination = this.#fresh()
      const run = await this.#ours.submit(copyJob(this.#ends(tree, destination)))
      times.push([`${id} ours`, run.seconds])
      this.#add(`${id} worker MiB`, run.peakMiB)
      if (id === 'W1') await this.#countEvents(id, run, tree)
      this.#checkAndRemove(tree, destination)
      for (const peer of this.#peers) {
        const theirs = this.#fresh()
        times.push([`${id} ${peer.name}`, await runPeer(peer, tree.root, theirs)])
        this.#checkAndRemove(tree, theirs, peer)
      }
      times.push([`${id} ours, all features`, await this.#allFeatures(tree)])
      this.#round(id, pair, times)
    }
  }

  async #allFeatures(tree: Tree): Promise<number> {
    const destination = this.#fresh()
    const document = await allFeaturesJob(this.#ends(tree, destination), this.#ours.rest)
    const { seconds } = await this.#ours.submit(document)
    this.#checkAndRemove(tree, destination)
    return seconds
  }

  async #countEvents(id: string, { jobId, execution }: Run, tree: Tree): Promise<void> {
    const events = await this.#ours.historyEvents(jobId, execution)
    this.#add(`${id} events per 1,000 items`, (events / (tree.files + tree.folders)) * 1_000)
  }

  /** The job, and each other tool's command, once more on what it has finished. */
  async #w3(tree: Tree): Promise<void> {
    const plain = this.#fresh()
    const full = this.#fresh()
    const first = await this.#ours.submit(copyJob(this.#ends(tree, plain)))
    const firstFull = await this.#ours.submit(await allFeaturesJob(this.#ends(tree, full), this.#ours.rest))
    const theirs = new Map(this.#peers.map((peer) => [peer, this.#fresh()]))
    for (const [peer, destination] of theirs) await runPeer(peer, tree.root, destination)

    for (let pair = 1; pair <= this.#sizes.pairs; pair++) {
      const times: [string, number][] = []
      times.push(['W3 ours', (await this.#ours.again(first.jobId, pair + 1)).seconds])
      this.#check(tree, plain)
      for (const [peer, destination] of theirs) {
        times.push([`W3 ${peer.name}`, await runPeer(peer, tree.root, destination)])
        this.#check(tree, destination, peer)
      }
      times.push(['W3 ours, all features', (await this.#ours.again(firstFull.jobId, pair + 1)).seconds])
      this.#check(tree, full)
      this.#round('W3', pair, times)
    }
    for (const destination of [plain, full, ...theirs.values()]) rmSync(destination, { recursive: true })
  }

  async #w10(): Promise<void> {
    const tree = writeSmallFiles(join(this.#folder, 'w10'), { folders: 1, filesPerFolder: 1, sizeBytes: 4_096 })
    for (let run = 0; run <= this.#sizes.w10.runs; run++) {
      const destination = this.#fresh()
      const { seconds } = await this.#ours.submit(copyJob(this.#ends(tree, destination)))
      this.#checkAndRemove(tree, destination)
      // The first one compiles.
      if (run > 0) this.#add('W10 ours ms', seconds * 1_000)
    }
    this.#say(`W10  ${this.measured['W10 ours ms']?.map((ms) => ms.toFixed(0)).join(' ')} ms`)
    rmSync(tree.root, { recursive: true })
  }

  #ends(tree: Tree, destination: string): Ends {
    return { name: `bench ${this.#number}`, source: tree.root, destination }
  }

  #fresh(): string {
    const path = join(this.#folder, `to-${++this.#number}`)
    mkdirSync(path)
    return path
  }

  #checkAndRemove(tree: Tree, destination: string, peer?: Peer): void {
    this.#check(tree, destination, peer)
    rmSync(destination, { recursive: true })
  }

  /** @throws Error when the result is not the source: its time would mean nothing */
  #check(tree: Tree, destination: string, peer?: Peer): void {
    if (!existsSync(tree.root)) throw new Error(`${tree.root} is gone`)
    const compared = compareTrees(tree.root, destination)
    if (compared.differing > 0 || compared.files !== tree.files)
      throw new Error(`${peer?.name ?? 'our'} result is not the source: ${sayDifferences(compared)}`)
  }

  #add(name: string, value: number): void {
    const list = (this.measured[name] ??= [])
    list.push(value)
  }

  #round(id: string, pair: number, times: [string, number][]): void {
    for (const [name, seconds] of times) this.#add(name, seconds)
    const shown = times.map(([name, seconds]) => `${name.slice(id.length + 1)} ${seconds.toFixed(2)}`)
    this.#say(`${id} ${pair}/${this.#sizes.pairs}  ${shown.join(' · ')} s`)
  }
}
