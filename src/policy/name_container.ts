import type { NameRules } from '../connector/capabilities.ts'
import type { ItemKind } from '../connector/item.ts'
import type { Processing, Verdict } from './decision.ts'
import { duplicateNames } from './duplicate_names.ts'
import { namerOf, roomIn, type Namer, type NameSettings, type Room, type Segment } from './segment.ts'

export interface Sibling {
  /** What names it for good: its id where names repeat, else its name. One key is one sibling. */
  key: string
  name: string
  kind: ItemKind
}

/** The name of one item at the destination. */
export interface Named {
  /** Unlike every sibling's under the destination's own equality, unless `verdict` says it is not to be written. */
  name: string
  processing?: Processing[]
  /** Why it is not transferred under any name. */
  verdict?: Verdict
  /** It was remembered under another name, which it can't have any more: what is there now is somebody else's. */
  displaced?: true
}

/** Destination names of one container, fixed. */
export interface NamePlan {
  of(key: string, name: string): Named
  /** Whether a sibling has this name or one the destination takes for the same. */
  taken(name: string): boolean
}

interface NamedBefore {
  /** Names above, as many as count towards the destination's path length and depth. */
  parents?: readonly string[]
  /** When a wide container is named in pieces: which sibling outside this piece has a name. */
  holder?: (name: string) => string | undefined
}

/**
 * Fixes the destination names of one container: two siblings never meet, whatever they are called, in whatever order they
 * are listed, and each keeps its name from run to run.
 *
 * Who has a name, in this order: whoever is remembered under it; the sibling that has it at the source; of the others the
 * first by name. The rest get a number. Numbers also avoid names remembered for siblings that are gone, so that one
 * who comes back finds its place free. What the destination holds beside us is no collision: that is for the planner.
 *
 * @param remembered destination names by key, from earlier runs; names of skipped and flagged siblings included
 */
export function nameContainer(
  siblings: readonly Sibling[],
  remembered: ReadonlyMap<string, string>,
  rules: NameRules,
  settings: NameSettings,
  before: NamedBefore = {},
): NamePlan {
  const namer = namerOf(rules, settings)
  const room = roomIn(rules, before.parents ?? [])
  return (
    (before.holder ? undefined : plainNames(siblings, remembered, namer, room)) ??
    new Assignment({ siblings, remembered, namer, room, elsewhere: before.holder ?? (() => undefined) }).plan()
  )
}

/** Nearly every container: all names are fine as they are. Nothing is allocated but the set that proves it. */
function plainNames(
  siblings: readonly Sibling[],
  remembered: ReadonlyMap<string, string>,
  { plain, key }: Namer,
  room: Room | undefined,
): NamePlan | undefined {
  const names = new Set<string>()
  const recall = remembered.size > 0
  for (const { key: sibling, name } of siblings) {
    if (!plain(name, room)) return undefined
    if (recall && (remembered.get(sibling) ?? name) !== name) return undefined
    names.add(key(name))
  }
  if (names.size !== siblings.length) return undefined
  return { of: (_key, name) => ({ name }), taken: (name) => names.has(key(name)) }
}

interface Wanted extends Sibling, Pick<Segment, 'processing'> {
  /** The name it would have alone. */
  wanted: string
}

interface Naming {
  siblings: readonly Sibling[]
  remembered: ReadonlyMap<string, string>
  namer: Namer
  room: Room | undefined
  elsewhere: (name: string) => string | undefined
}

class Assignment {
  readonly #naming: Naming
  /** By the destination's equality: who has it. */
  readonly #owners = new Map<string, Wanted>()
  /** Names of siblings that are gone. */
  readonly #reserved = new Set<string>()
  readonly #unusual = new Map<string, Named>()
  /** The last number tried for a name. */
  readonly #numbers = new Map<string, number>()
  /** Those whose name is not the one they would have alone. */
  readonly #numbered: Wanted[] = []

  constructor(naming: Naming) {
    this.#naming = naming
  }

  plan(): NamePlan {
    const { namer, elsewhere } = this.#naming
    const newcomers = this.#settleRemembered(this.#wanted())
    const others = this.#settleNatives(newcomers)
    for (const sibling of others.sort(byWanted)) this.#settle(sibling)
    for (const sibling of this.#numbered) this.#explainNumber(sibling)
    return {
      of: (key, name) => this.#unusual.get(key) ?? { name },
      taken: (name) => this.#owners.has(namer.key(name)) || elsewhere(name) !== undefined,
    }
  }

  /** What each wants; those that can't have any name are out. */
  #wanted(): Wanted[] {
    const { siblings, remembered, namer, room } = this.#naming
    const all: Wanted[] = []
    const seen = new Set<string>()
    for (const { key, name, kind } of siblings) {
      if (seen.has(key)) continue
      seen.add(key)
      const { name: wanted, processing, verdict } = namer.segment(name, kind, room)
      if (verdict) this.#unusual.set(key, { name, verdict })
      else all.push({ key, name, kind, wanted, ...(processing ? { processing } : {}) })
    }
    for (const [key, name] of remembered) if (!seen.has(key)) this.#reserved.add(namer.key(name))
    return all
  }

  #settleRemembered(all: readonly Wanted[]): Wanted[] {
    const { remembered, namer, room } = this.#naming
    const claims = new Map<string, Wanted>()
    const newcomers: Wanted[] = []
    for (const sibling of all) {
      const name = remembered.get(sibling.key)
      if (name === undefined || !namer.plain(name, room)) {
        newcomers.push(sibling)
        continue
      }
      // Two remember one name only after the rules changed, or after both were gone by turns.
      const other = claims.get(namer.key(name))
      if (other === undefined) claims.set(namer.key(name), sibling)
      else if (this.#rank(sibling, name, other)) {
        claims.set(namer.key(name), sibling)
        newcomers.push(other)
      } else newcomers.push(sibling)
    }
    for (const [key, sibling] of claims) this.#owners.set(key, sibling)
    for (const sibling of claims.values()) this.#name(sibling, remembered.get(sibling.key) ?? sibling.wanted)
    return newcomers
  }

  /** Whether `sibling` has the better claim to a name both remember. */
  #rank(sibling: Wanted, name: string, other: Wanted): boolean {
    const { key } = this.#naming.namer
    const wanted = key(sibling.name) === key(name)
    if (wanted !== (key(other.name) === key(name))) return wanted
    return byWanted(sibling, other) < 0
  }

  #settleNatives(newcomers: readonly Wanted[]): Wanted[] {
    const { namer, elsewhere } = this.#naming
    const firsts = new Map<string, Wanted>()
    const others: Wanted[] = []
    for (const sibling of newcomers) {
      const key = namer.key(sibling.wanted)
      if (sibling.wanted !== sibling.name || this.#owners.has(key) || elsewhere(sibling.wanted) !== undefined) {
        others.push(sibling)
        continue
      }
      const other = firsts.get(key)
      if (other === undefined) firsts.set(key, sibling)
      else if (byWanted(sibling, other) < 0) {
        firsts.set(key, sibling)
        others.push(other)
      } else others.push(sibling)
    }
    for (const [key, sibling] of firsts) {
      this.#owners.set(key, sibling)
      this.#name(sibling, sibling.wanted)
    }
    return others
  }

  /** The name it wants, if that is still free, or else one with a number. */
  #settle(sibling: Wanted): void {
    const { namer, room, elsewhere } = this.#naming
    if (this.#free(sibling.wanted)) {
      this.#owners.set(namer.key(sibling.wanted), sibling)
      this.#name(sibling, sibling.wanted)
      return
    }
    const wantedKey = namer.key(sibling.wanted)
    for (let n = (this.#numbers.get(wantedKey) ?? 0) + 1; ; n += 1) {
      const name = namer.duplicate(sibling.wanted, sibling.kind, n, room)
      if (name === undefined) {
        const by = this.#owners.get(wantedKey)?.name ?? elsewhere(sibling.wanted)
        const taken = by === undefined || by === sibling.wanted ? 'taken' : `taken by ${JSON.stringify(by)}`
        const why = `${JSON.stringify(sibling.wanted)} is ${taken}, and there is no room for a number behind it`
        // Without a name to remember it can't claim somebody else's next time.
        this.#unusual.set(sibling.key, { name: '', verdict: { action: 'fail', reason: 'name_taken', why } })
        return
      }
      if (!this.#free(name)) continue
      this.#numbers.set(wantedKey, n)
      this.#owners.set(namer.key(name), sibling)
      this.#name(sibling, name)
      return
    }
  }

  #free(name: string): boolean {
    const key = this.#naming.namer.key(name)
    return !this.#owners.has(key) && !this.#reserved.has(key) && this.#naming.elsewhere(name) === undefined
  }

  #name(sibling: Wanted, name: string): void {
    const { remembered } = this.#naming
    const { key } = this.#naming.namer
    const before = remembered.get(sibling.key)
    const displaced = before !== undefined && key(before) !== key(name)
    if (name === sibling.name && !displaced) return
    const named: Named = { name }
    if (sibling.processing) named.processing = sibling.processing
    if (displaced) named.displaced = true
    this.#unusual.set(sibling.key, named)
    if (key(name) !== key(sibling.wanted)) this.#numbered.push(sibling)
  }

  /** Asked last, when every name has its owner. A number stays when the one it gave way to is gone: then it is merely a name. */
  #explainNumber(sibling: Wanted): void {
    const named = this.#unusual.get(sibling.key)
    if (!named) return
    const held = this.#heldByAnother(sibling)
    const { namer, elsewhere } = this.#naming
    const holder = this.#owners.get(namer.key(sibling.wanted))?.name ?? elsewhere(sibling.wanted)
    named.processing = [...(sibling.processing ?? []), held ? 'deduplicated' : 'renamed']
    const verdict = held ? duplicateNames(namer.settings, sibling.wanted, holder) : undefined
    if (verdict) named.verdict = verdict
  }

  #heldByAnother(sibling: Wanted): boolean {
    const { namer, elsewhere } = this.#naming
    const owner = this.#owners.get(namer.key(sibling.wanted))
    return owner === undefined ? elsewhere(sibling.wanted) !== undefined : owner.key !== sibling.key
  }
}

/** By code unit, never by locale: the same on every machine. */
function byWanted(a: Wanted, b: Wanted): number {
  return compare(a.wanted, b.wanted) || compare(a.name, b.name) || compare(a.key, b.key)
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
