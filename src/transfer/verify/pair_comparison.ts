import type { Facet, Item } from '../../connector/item.ts'
import { rootItem } from '../../ledger/ledger.ts'
import type { LedgerReader } from '../../ledger/sqlite/reader.ts'
import type { ChildRow } from '../../ledger/sqlite/reader_types.ts'
import { AccessCarrier, toRead } from '../items/access_carrier.ts'
import { accessKey, accessSince } from '../items/access_asked.ts'
import { rootKey, rootMade } from '../engine/execution_spec.ts'
import type { LoadedExecution } from '../engine/load_execution.ts'
import { rootMayChange } from '../engine/root_identity.ts'
import type { SideName } from '../engine/sides.ts'
import { AccessComparison } from './access_comparison.ts'
import type { Finding, Verified } from './difference.ts'
import { unfinished } from './standing.ts'
import { ContentComparison } from './verify_content.ts'
import {
  comparableTimes,
  hasAccessOf,
  isOurs,
  pairFindings,
  sourceFindings,
  timeFindings,
  type ComparableTimes,
} from './verify_pair.ts'
import type { WholeSides } from './whole_sides.ts'

/** An item of both sides, or of what is left of them. */
interface Opposite {
  from: Item | undefined
  to: Item | undefined
  /** Where it is at the destination. */
  path: string
}

/** Everything that should be the same about an item that arrived. */
export class PairComparison {
  readonly #loaded: LoadedExecution
  readonly #ledger: LedgerReader
  readonly #sides: WholeSides
  readonly #soFar: Verified
  readonly #carrier: AccessCarrier
  readonly #access: AccessComparison
  readonly #content: ContentComparison
  readonly #times: ComparableTimes
  readonly #lastExecution: number | undefined
  /** The first execution that owners and permissions were carried by the present maps and settings; none has yet: Infinity. */
  readonly #accessSince: number

  /** @param soFar is told of what was compared and read */
  constructor(
    { loaded, ledger }: { loaded: LoadedExecution; ledger: LedgerReader },
    sides: WholeSides,
    soFar: Verified,
  ) {
    this.#loaded = loaded
    this.#ledger = ledger
    this.#sides = sides
    this.#soFar = soFar
    this.#lastExecution = ledger.executions().at(-1)?.n
    this.#accessSince = sinceWhen(loaded.spec, ledger.recall(accessKey))
    const { source, destination } = sides
    this.#carrier = new AccessCarrier(loaded.spec, source.session, destination.session)
    this.#access = new AccessComparison(this.#carrier, sides, () => (soFar.accessBefore += 1))
    this.#content = new ContentComparison(sides, soFar.read)
    const { times } = source.session.capabilities
    this.#times = comparableTimes(loaded.settings, times, destination.session.capabilities.times)
  }

  /** What listings have to bring along. */
  wanted(side: SideName): readonly Facet[] {
    const { wanted } = this.#carrier
    // The source's fingerprints must cover what is carried; of the destination the facets themselves are compared.
    if (side === 'source') return wanted.filter((facet) => facet === 'permissions')
    return toRead(wanted, this.#sides.destination.session)
  }

  async ofRoots(): Promise<Finding[]> {
    const { source, destination } = this.#sides
    const findings: Finding[] = []
    for (const side of ['source', 'destination'] as const) {
      const before = this.#ledger.recall(rootKey(side))
      const now = this.#sides[side].root.identity
      if (before === undefined || now === undefined || before === now) continue
      if (side === 'source' && rootMayChange(this.#loaded.spec)) continue
      findings.push({ kind: 'ledger', message: `the ${side} is not the folder of earlier executions` })
    }
    if (this.#ledger.recall(rootMade) !== 'yes') return findings
    if (this.#ledger.isUnfinished(rootItem)) return [...findings, unfinished]
    const isNew = this.#ledger.executions().length === 1
    const access = await this.#access.findings({ from: source.root, to: destination.root, as: 'root', isNew })
    return [...findings, ...timeFindings(source.root, destination.root, this.#times), ...access]
  }

  async of(row: ChildRow, { from, to, path }: Opposite): Promise<Finding[]> {
    if (!from) return [to ? leftTheSource : onNeitherSide]
    const findings = row.gone ? [backAtTheSource] : sourceFindings(row, from)
    if (!to) return [...findings, { kind: 'missing', message: `is not at the destination, as ${path}` }]
    if (from.kind !== to.kind) return [...findings, ...pairFindings(row, from, to, this.#times)]
    if (from.kind === 'container') {
      this.#soFar.folders += 1
      if (this.#ledger.isUnfinished(row.item)) return [...findings, unfinished]
    } else this.#soFar.files += 1
    findings.push(...pairFindings(row, from, to, this.#times))
    if (isOurs(row)) {
      const asBefore = row.execution < this.#accessSince && hasAccessOf(row, from, to)
      findings.push(...(await this.#access.findings({ from, to, as: from.kind, isNew: this.#isNew(row), asBefore })))
    }
    if (from.kind === 'item' && from.sizeBytes === to.sizeBytes)
      findings.push(...(await this.#content.findings(row, from, to)))
    return findings
  }

  /** Nothing was there whose permissions could have been added to when it was last written. */
  #isNew({ kind, madeIn, action }: ChildRow): boolean {
    return kind === 'container' ? madeIn === this.#lastExecution : action === 'create'
  }
}

const leftTheSource: Finding = {
  kind: 'extra',
  message: 'left the source since it was transferred, and is at the destination still',
}
const onNeitherSide: Finding = { kind: 'ledger', message: 'was transferred, and is on neither side any more' }
export const backAtTheSource: Finding = {
  kind: 'untracked',
  message: 'had left the source, and is back: no execution has seen it yet',
}

function sinceWhen(spec: LoadedExecution['spec'], remembered: string | undefined): number {
  // Changed since the last execution: what comes next will be the first to go by it.
  return accessSince({ ...spec, execution: Infinity }, remembered).since
}
