import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { addPlatform } from '../../src/connector/registry.ts'
import type { Settings } from '../../src/job/settings.ts'
import { settingsOf } from '../../src/job/settings_of.ts'
import { carryOutFrom, claimBatch } from '../../src/transfer/items/batch_pipeline.ts'
import { ExecutionContext } from '../../src/transfer/engine/execution_context.ts'
import { sharedPace } from '../../src/transfer/io/pace.ts'
import { limits, type ExecutionSpec, type Limits } from '../../src/transfer/engine/execution_spec.ts'
import { listContainer } from '../../src/transfer/listing/list_container.ts'
import { StopToken, StopFlag } from '../../src/transfer/io/stop.ts'
import { facts, holder, now, Rig, start } from '../ledger/rig.ts'
import { promisedFs } from '../rig/promised_fs.ts'
import { aTree, type TreeSpec } from './a_tree.ts'
import { memoryDisk } from './rig.ts'

/** A job whose I/O is done in this thread, so that a call can be made to fail, or be seen, just when it is made. */
export class InThisThread {
  readonly ledgerRig = new Rig()
  readonly at: { source: string; destination: string }
  readonly signal = new StopFlag()
  context!: ExecutionContext
  readonly #limits: Limits
  readonly #settings: Partial<Settings>
  readonly #folder = mkdtempSync(join(memoryDisk, 'stevedore-in-thread-'))

  /** Operations under way at once, behind promises; 0: calls block. */
  readonly #sideBySide: number

  constructor(limited: Partial<Limits> = {}, settings: Partial<Settings> = {}, sideBySide = 0) {
    this.#sideBySide = sideBySide
    if (sideBySide > 0) addPlatform(promisedFs)
    this.#limits = { ...limits, ...limited }
    this.#settings = settings
    this.at = { source: join(this.#folder, 'source'), destination: join(this.#folder, 'destination') }
  }

  /** Makes the trees and begins. */
  async open(source: TreeSpec, destination: TreeSpec = {}): Promise<void> {
    aTree(source)(this.at.source)
    aTree(destination)(this.at.destination)
    const { ledger } = this.ledgerRig
    await ledger.begin(start({ root: { source: { ...facts(0), id: '' }, destination: { ...facts(0), id: '' } } }))
    this.context = await ExecutionContext.open(this.#spec(), ledger, this.signal)
  }

  /** Makes the trees and lists all of the source, so that there is work to claim. */
  async list(source: TreeSpec, destination: TreeSpec = {}): Promise<void> {
    await this.open(source, destination)
    const { ledger } = this.ledgerRig
    for (;;) {
      const claim = await ledger.claimContainers(holder('list'), 9, now)
      if (claim.state !== 'claimed') break
      for (const container of claim.claim) await listContainer(this.context, container, this.stop())
    }
  }

  /** Carries out all that is planned. */
  async copy(): Promise<void> {
    for (;;) {
      const claim = await claimBatch(this.context, holder('copy'), { waitMs: 0 })
      if (claim.state !== 'claimed') return
      const width = Math.max(1, this.#sideBySide)
      await carryOutFrom(this.context, claim.claim, { holder: holder('copy'), stop: this.stop(), width })
    }
  }

  stop(): StopToken {
    return new StopToken(this.signal, new StopFlag(), Infinity)
  }

  async remove(): Promise<void> {
    await this.context?.source.close()
    await this.context?.destination.close()
    await this.ledgerRig.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #spec(): ExecutionSpec {
    const side = (root: string) => ({
      connectionId: root,
      platform: this.#sideBySide > 0 ? 'promised_fs' : 'fs',
      auth: { root },
      path: '/',
    })
    const endpoint = { connection: { id: 'c' } }
    return {
      jobId: 'a'.repeat(32),
      execution: 1,
      simulated: false,
      settings: {
        ...settingsOf({ transfer: { transfer_type: 'copy', source: endpoint, destination: endpoint } }),
        ...this.#settings,
      },
      source: side(this.at.source),
      destination: side(this.at.destination),
      nowNs: 0n,
      toleranceNs: 2_000_000_000n,
      pace: sharedPace(),
      io: this.#sideBySide > 0 ? 'async' : 'blocking',
      inFlight: Math.max(1, this.#sideBySide),
      limits: this.#limits,
    }
  }
}
