import type { Capabilities, NameRules } from '../connector/capabilities.ts'
import type { Facts, Item } from '../connector/item.ts'
import type { Filter } from '../filter/compile.ts'
import type { Settings } from '../job/settings.ts'
import { changed, containerChanged, isOnlyTouched, type Change } from './changed.ts'
import { isConflictCopy } from './conflict_name.ts'
import { conflictName, conflictResolution, twoWayConflict, type ConflictRules } from './conflict_resolution.ts'
import { exchanged, exchangedSettings, exchangedTracked } from './exchange.ts'
import type { Counterpart, Decision, Processing, Tracked, Verdict } from './decision.ts'
import { destinationDeleted } from './delete_propagation.ts'
import { itemOverwrite } from './item_overwrite.ts'
import { largeItem } from './large_item.ts'
import { matches } from './matches.ts'
import type { Named } from './name_container.ts'
import { restrictedContent } from './restricted_content.ts'
import { timesPreserved } from './timestamps.ts'

interface PlanContext {
  settings: Settings
  source: Capabilities
  destination: Capabilities
  /** `toleranceNs`: modified times no further apart than this are not told apart (brake 9): two seconds, see `loadExecution`. */
  clock: { toleranceNs: bigint }
  /** Absent: nothing is filtered. */
  filter?: Filter
  /** Under `sync`, of what the destination has. */
  destinationFilter?: Filter
}

/** One item and what stands or stood opposite. Where it goes to the source, `source` is the destination's, and so on. */
export interface Triple {
  source: Item
  /** From the job's root, with a leading slash; for filters. */
  path: string
  /** From `nameContainer`. */
  named: Named
  /** What the destination's complete listing has under that name, by the destination's own equality. */
  counterpart: Counterpart | null
  tracked: Tracked | null
  /** An earlier execution looked at all that is in its container. */
  isLookedAt?: boolean
  /** Whether a name of the container can't be given to a conflict copy: held at the destination, or planned for a sibling. */
  taken: (name: string) => boolean
  /** As `taken`, of the source; where the source may be written. */
  takenAtSource?: (name: string) => boolean
}

export interface Planner {
  /** What is to be done about one item of the source, and what stands opposite. Total, deterministic, never throws. */
  plan(triple: Triple): Decision
  /** Under `sync`: about one that only the destination has, told with both sides exchanged. */
  planBack(triple: Triple): Decision
}

const unchanged: Decision = { action: 'none', reason: 'unchanged' }
const fresh: Decision = { action: 'create', reason: 'new' }
const matched: Decision = { action: 'adopt', reason: 'matched' }
const attributesAnew: Decision = { action: 'attributes', reason: 'permissions_anew' }
const changedAndGone: Decision = { action: 'create', reason: 'changed' }
const changedAtSource: Decision = { action: 'overwrite', reason: 'changed' }
const attributesChanged: Decision = { action: 'attributes', reason: 'attributes_changed' }
const attributesRecorded: Decision = { action: 'adopt', reason: 'attributes_changed' }
const unsure: Decision = { action: 'reread', reason: 'unsure' }
const vetoed: Decision = { action: 'none', reason: 'exists', why: 'may have changed; it would not be overwritten' }
const conflictOfCopy: Decision = {
  action: 'fail',
  reason: 'conflict_of_copy',
  why: 'it would be kept as a copy of a copy, again with each change',
}
const notInitial: Decision = { action: 'skip', reason: 'not_initial' }
const notFollowed: Decision = { action: 'none', reason: 'not_followed' }
const keptCopy: Decision = { action: 'skip', reason: 'kept_copy' }
const foldersOnly: Decision = { action: 'skip', reason: 'taxonomy' }
const leftAsItIs: Decision = {
  action: 'none',
  reason: 'destination_kept',
  why: 'changed at the destination only; a copy does not look back',
}

/** Compiles what a whole execution has in common; planning one unchanged or new item then allocates nothing. */
export function compilePlanner(context: PlanContext): Planner {
  return new CompiledPlanner(context)
}

class CompiledPlanner implements Planner {
  readonly #context: PlanContext
  readonly #settings: Settings
  readonly #filter: Filter | undefined
  readonly #conflicts: ConflictRules
  readonly #precisionNs: bigint
  /** Owner or permissions travel, so a change of them is work. */
  readonly #carriesAccess: boolean
  readonly #carriesContainerTimes: boolean
  /** Under `sync`: decides with both sides exchanged. */
  readonly #back: CompiledPlanner | undefined

  constructor(context: PlanContext, isBack = false) {
    const { settings, source, destination, clock, filter } = context
    this.#back =
      settings.transferType === 'sync' && !isBack ? new CompiledPlanner(exchangedContext(context), true) : undefined
    this.#context = context
    this.#settings = settings
    this.#filter = filter?.passesAll ? undefined : filter
    const preserved = timesPreserved(settings.timestamps, source.times, destination.times)
    this.#conflicts = {
      setting: settings.transferType === 'publish' ? 'source' : settings.conflictResolution,
      toleranceNs: clock.toleranceNs,
      timesPreserved: preserved,
    }
    const [a, b] = [source.times.precisionNs, destination.times.precisionNs]
    this.#precisionNs = a > b ? a : b
    this.#carriesAccess = settings.permissions.policy !== 'none' || settings.preserveOwners
    this.#carriesContainerTimes = preserved && destination.times.containers
  }

  planBack(triple: Triple): Decision {
    if (!this.#back) return leftAsItIs
    return exchanged(this.#back.plan(triple))
  }

  plan(given: Triple): Decision {
    const objection = this.#objection(given)
    if (objection) return objection
    const { tracked } = given
    const remembered = tracked?.forgotten ? this.#afterReset(given) : undefined
    if (remembered) return remembered
    const triple = tracked?.forgotten ? { ...given, tracked: null } : given
    if (this.#back && this.#goesBack(triple)) return exchanged(this.#back.plan(exchangedTriple(triple)))
    const decided = this.#decide(triple)
    // The hash on record is of other bytes, or of nobody knows which.
    const decision = tracked?.forgotten && decided.action === 'adopt' ? unread(decided, given) : decided
    const altered = triple.named.processing
    if (decision === unchanged || decision === attributesRecorded) return this.#anew(decision, given)
    if (altered === undefined || decision.action === 'none') return decision
    return withProcessing(decision, altered)
  }

  /** Policies that look at the item alone; the first one counts. */
  #objection({ source, path, named, counterpart }: Triple): Decision | undefined {
    const { destinationFilter } = this.#context
    const filtered =
      this.#filter?.judge(source, path) ??
      (counterpart ? destinationFilter?.judge(counterpart as Item, path) : undefined)
    if (filtered) return refused({ action: 'skip', reason: 'filtered', why: filtered.why })
    if (this.#writesBoth && source.kind === 'item' && isConflictCopy(source.name)) return keptCopy
    if (this.#settings.transferType === 'taxonomy' && source.kind !== 'container') return foldersOnly
    if (source.kind === 'special') {
      const why = source.special ?? 'neither a file, a folder nor a link'
      return { action: 'fail', reason: source.deadLink === true ? 'dead_link' : 'special', why }
    }
    if (named.verdict) return refused(named.verdict)
    const { content, tree, names } = this.#context.destination
    if (source.kind === 'link') return tree.links ? undefined : { action: 'skip', reason: 'link' }
    if (source.kind === 'container') return undefined
    const tooLarge = largeItem(this.#settings.largeItem, source.sizeBytes, content.maxBytes)
    if (tooLarge) return refused(tooLarge)
    if (names.invalidExtensions.length === 0) return undefined
    const restricted = restrictedContent(this.#settings.restrictedContent, named.name, names.invalidExtensions)
    return restricted && refused(restricted)
  }

  #decide(triple: Triple): Decision {
    const { source, counterpart, named } = triple
    // Under another name than remembered, what was recorded of the destination is about somebody else's item.
    const tracked = named.displaced ? null : triple.tracked
    const later = this.#settings.transferType === 'migrate' ? notDetected(triple, tracked) : undefined
    if (later) return later
    if (counterpart === null) return this.#absent(source, tracked)
    if (counterpart.kind !== source.kind) {
      const why = `${words[source.kind]} at the source, ${words[counterpart.kind]} at the destination`
      return { action: 'fail', reason: 'kind_differs', why }
    }
    if (source.kind === 'container') return this.#container(triple, tracked)
    if (source.kind === 'link') return this.#link(triple, counterpart, tracked)
    if (tracked?.settled && tracked.destination) {
      return this.#delta(triple, counterpart, {
        source: tracked.source,
        destination: tracked.destination,
        hash: tracked.hash,
      })
    }
    return this.#compare(triple, counterpart, tracked)
  }

  /** The destination is to be what the source is, whoever changed it. */
  get #publishes(): boolean {
    return this.#settings.transferType === 'publish'
  }

  /** After a reset what was recorded still tells where no content has changed: then none is read or written again. */
  #afterReset(triple: Triple): Decision | undefined {
    const { source, counterpart, tracked, named } = triple
    if (!tracked?.settled || !tracked.destination || counterpart?.kind !== source.kind || named.displaced)
      return undefined
    if (source.kind === 'container') return this.#anew(matched, triple)
    const here = changed(source, tracked.source, tracked.hash)
    const there = changed(counterpart, tracked.destination, tracked.hash)
    if (isEdited(here) || isEdited(there)) return undefined
    if (here === 'attributes' && this.#carries(source, tracked.source)) return attributesOnto(counterpart)
    return this.#anew(matched, triple)
  }

  #anew(decision: Decision, { source, counterpart, tracked }: Triple): Decision {
    if (!tracked?.permissionsAnew || !this.#carriesAccess || !counterpart || source.kind === 'link') return decision
    return source.kind === 'container' ? attributesAnew : anewOnto(counterpart)
  }

  get #writesBoth(): boolean {
    return this.#settings.transferType === 'sync'
  }

  /** Whether what is to be done about a pair goes from the destination to the source. */
  #goesBack({ source, counterpart, named, tracked }: Triple): boolean {
    if (counterpart?.kind !== source.kind || !tracked || named.displaced) return false
    // Its attributes come from where it came from.
    if (source.kind === 'container' || !tracked.settled) return tracked.toSource === true
    if (!tracked.destination) return false
    const there = changed(counterpart, tracked.destination, tracked.hash)
    if (there === 'no') return false
    const here = changed(source, tracked.source, tracked.hash)
    if (there === 'content') return here !== 'content'
    return here === 'no' || (here === 'attributes' && !this.#carries(source, tracked.source))
  }

  /** Nothing has the name at the destination. */
  #absent(source: Item, tracked: Tracked | null): Decision {
    if (!tracked?.destination) return fresh
    if (!tracked.settled) return changedAndGone
    const change =
      source.kind === 'container'
        ? containerChanged(source, tracked.source)
        : changed(source, tracked.source, tracked.hash)
    // An edit beats a delete, and what may be one where a delete would be followed.
    const isEdit = change === 'content' || (change === 'unsure' && this.#writesBoth)
    return isEdit ? changedAndGone : destinationDeleted(this.#settings)
  }

  /** Folders are merged, whoever made them. */
  #container(triple: Triple, tracked: Tracked | null): Decision {
    const { source } = triple
    if (!tracked) return unread(matched, triple)
    // Made by us, and not finished, it is still as closed as it was created.
    if (!tracked.settled) return attributesChanged
    return containerChanged(source, tracked.source) === 'attributes' && this.#carries(source, tracked.source)
      ? attributesChanged
      : unchanged
  }

  /** A link has no bytes to compare: where it points is all there is. */
  #link(triple: Triple, counterpart: Counterpart, tracked: Tracked | null): Decision {
    const { source } = triple
    const same = source.linkTarget !== undefined && source.linkTarget === counterpart.linkTarget
    const settled = tracked?.settled && tracked.destination
    if (same) {
      if (!settled) return unread(matched, triple)
      if (changed(source, tracked.source) === 'no') return unchanged
      return this.#carries(source, tracked.source) ? attributesChanged : matched
    }
    if (settled && changed(source, tracked.source) === 'no' && !this.#publishes) return leftAsItIs
    // Nothing replaces a link in one step: what is there moves aside, whoever wins.
    const isOnlyHere = this.#writesBoth && settled && changed(counterpart, settled) === 'no'
    const decision = isOnlyHere ? changedAtSource : this.#conflict(triple, counterpart)
    if (decision.action !== 'overwrite') return decision
    const { why } = decision
    const { source: here, destination: there } = this.#context
    if (!decision.toSource) return this.#keepBoth(triple, counterpart, { why, rules: there.names })
    return { ...this.#keepBoth(exchangedTriple(triple), source, { why, rules: here.names }), toSource: true }
  }

  /** Both sides were as recorded after our last write, or are not. */
  #delta(
    triple: Triple,
    counterpart: Counterpart,
    recorded: Recorded & { source: Facts; destination: Facts },
  ): Decision {
    const { source } = triple
    const here = changed(source, recorded.source, recorded.hash)
    const there = changed(counterpart, recorded.destination, recorded.hash)
    const edited = isEdited(there)
    if (edited && this.#publishes && there !== 'unsure') return this.#conflict(triple, counterpart, recorded)
    switch (here) {
      case 'no':
        // A change time alone, as a hard link leaves it, is no edit to tell of; whether it hides one is asked when it matters.
        if (edited) return there === 'unsure' ? unchanged : leftAsItIs
        // Somebody's chmod there is recorded, or it would explain away the change time of the next edit.
        return there === 'no' ? unchanged : attributesRecorded
      case 'attributes': {
        const carries = this.#carries(source, recorded.source)
        if (!edited) return carries ? attributesOnto(counterpart) : attributesRecorded
        // Setting times on somebody's edit would hide it from the next comparison.
        return carries ? unlessOurs(leftAsItIs, counterpart, recorded) : leftAsItIs
      }
      case 'unsure': {
        const reread = this.#reread(triple)
        if (!edited) return reread
        // Beside an edit a mere suspicion is no reason to touch anything, nor to record that edit as ours.
        return reread === unsure ? unlessOurs(leftAsItIs, counterpart, recorded) : leftAsItIs
      }
      case 'content':
        if (!edited) return this.#overwrite(triple)
        if (matches(source, counterpart, this.#precisionNs))
          return unlessOurs(unread(matched, triple), counterpart, recorded)
        return this.#conflict(triple, counterpart, recorded)
      default:
        return here satisfies never
    }
  }

  /** Nobody knows what the destination's item has to do with the source's: never compared, or our last try did not end. */
  #compare(triple: Triple, counterpart: Counterpart, tracked: Tracked | null): Decision {
    const { source } = triple
    const ours = tracked !== null && isOurs(tracked, counterpart)
    // Our own earlier content may share size and a time the platform chose with the new one.
    const byTime = !ours || this.#conflicts.timesPreserved
    if (matches(source, counterpart, this.#precisionNs, byTime)) {
      // Its bytes are there; what else was to be carried is not known to be.
      const isOwing = tracked?.failed === true && tracked.destination !== undefined
      const owes = isOwing && (this.#carriesAccess || this.#conflicts.timesPreserved)
      const decision = owes ? attributesOnto(counterpart) : matched
      return ours ? decision : unread(decision, triple)
    }
    if (ours) return this.#overwrite(triple)
    return this.#conflict(triple, counterpart, tracked ?? undefined)
  }

  /** Only reading tells whether the bytes changed; whether they then may be written is settled now. */
  #reread(triple: Triple): Decision {
    return this.#overwrite(triple).action === 'overwrite' ? unsure : vetoed
  }

  #overwrite({ named }: Triple): Decision {
    const veto = itemOverwrite(this.#settings.itemOverwrite, named.name)
    return veto ? refused(veto) : changedAtSource
  }

  /** Two versions that both may be somebody's work (brake 3). */
  #conflict(triple: Triple, counterpart: Counterpart, recorded: Recorded = {}): Decision {
    const veto = itemOverwrite(this.#settings.itemOverwrite, triple.named.name)
    if (veto) return refused(veto)
    return unlessOurs(this.#settle(triple, counterpart), counterpart, recorded)
  }

  #settle(triple: Triple, counterpart: Counterpart): Decision {
    const { source, tracked, named } = triple
    const isFirst = named.displaced === true || !tracked?.settled || !tracked.destination
    const end = this.#writesBoth
      ? twoWayConflict(this.#conflicts, source, counterpart, isFirst)
      : conflictResolution(this.#conflicts, source, counterpart)
    switch (end.winner) {
      case 'nobody':
        return { action: 'fail', reason: 'conflict', why: end.why }
      case 'destination':
        if (this.#writesBoth)
          return { ...this.#won(exchangedTriple(triple), end, this.#context.source.names), toSource: true }
        return { action: 'skip', reason: end.newer ? 'destination_newer' : 'destination_kept', why: end.why }
      case 'source':
        return this.#won(triple, end, this.#context.destination.names)
      default:
        return end satisfies never
    }
  }

  /** What the source has takes the name. @param rules of names where it is written */
  #won(triple: Triple, { keepsLoser, why }: { keepsLoser?: boolean; why: string }, rules: NameRules): Decision {
    if (keepsLoser && triple.counterpart) return this.#keepBoth(triple, triple.counterpart, { why, rules })
    return { action: 'overwrite', reason: 'conflict', why }
  }

  #keepBoth(
    { taken }: Triple,
    counterpart: Counterpart,
    { why, rules }: { why: string | undefined; rules: NameRules },
  ): Decision {
    const { name, modifiedNs } = counterpart
    const naming = { rules, settings: this.#settings }
    const keepAs = conflictName(name, modifiedNs, taken, naming)
    if (keepAs !== undefined) {
      return {
        action: 'overwrite',
        reason: 'conflict_copy',
        keepAs,
        processing: ['conflict_copy'],
        ...(why ? { why } : {}),
      }
    }
    if (!isConflictCopy(name))
      return { action: 'fail', reason: 'name_taken', why: 'no name is free for a conflict copy' }
    return conflictOfCopy
  }

  /** Whether what differs besides the bytes is to be carried. */
  #carries(now: Item, baseline: Facts): boolean {
    if (this.#carriesAccess && now.facets !== baseline.facets) return true
    if (now.modifiedNs === baseline.modifiedNs) return false
    return now.kind === 'container' ? this.#carriesContainerTimes : this.#conflicts.timesPreserved
  }
}

/** With both sides exchanged. Filters have had their say. */
function exchangedContext({ settings, source, destination, clock }: PlanContext): PlanContext {
  return { settings: exchangedSettings(settings), source: destination, destination: source, clock }
}

function exchangedTriple({ source, counterpart, tracked, takenAtSource, taken, ...triple }: Triple): Triple {
  return {
    ...triple,
    source: counterpart as Item,
    counterpart: source,
    named: { name: source.name },
    tracked: tracked && exchangedTracked(tracked),
    taken: takenAtSource ?? (() => true),
    takenAtSource: taken,
  }
}

const words = { item: 'a file', container: 'a folder', link: 'a symbolic link', special: 'a special file' } as const

/** `migrate` completes what it began, and looks for nothing else (reference: job-policies 1). */
function notDetected({ source, isLookedAt }: Triple, tracked: Tracked | null): Decision | undefined {
  if (!tracked) return isLookedAt ? notInitial : undefined
  if (!tracked.settled) return undefined
  // A folder's times tell of its children, who have decisions of their own.
  if (source.kind === 'container') return unchanged
  return changed(source, tracked.source, tracked.hash) === 'no' ? unchanged : notFollowed
}

/** An attribute belongs to the file, not to one of its names: the other ones may be in somebody else's tree, or backup. */
function attributesOnto({ linkCount }: Counterpart): Decision {
  if (linkCount === undefined || linkCount < 2) return attributesChanged
  return {
    action: 'fail',
    reason: 'hard_linked',
    why: `it is one of ${linkCount} names of one file at the destination`,
  }
}

function anewOnto(counterpart: Counterpart): Decision {
  const decision = attributesOnto(counterpart)
  return decision.action === 'fail' ? decision : attributesAnew
}

/** Owner and permissions are not somebody's work on the content; an unexplained change may be. */
function isEdited(change: Change): boolean {
  return change === 'content' || change === 'unsure'
}

/** What the ledger has of the destination's item. */
interface Recorded {
  destination?: Facts
  hash?: string | undefined
}

/** What is decided beside somebody's edit. A change time alone says nothing about the bytes: where that is all, only they tell. */
function unlessOurs(decision: Decision, counterpart: Counterpart, { destination, hash }: Recorded): Decision {
  return destination && isOnlyTouched(counterpart, destination, hash)
    ? { ...decision, wantsHash: 'destination' }
    : decision
}

/** What is settled about bytes that we neither wrote nor read, only compared by size and time. */
function unread(decision: Decision, { tracked }: Triple): Decision {
  return tracked?.hash === undefined ? decision : { ...decision, forgetHash: true }
}

/** What stands at the destination is what we wrote there last, although the ledger waits for more. */
function isOurs(tracked: Tracked, counterpart: Counterpart): boolean {
  if (tracked.hash !== undefined && tracked.hash === counterpart.hash) return true
  return tracked.destination !== undefined && !isEdited(changed(counterpart, tracked.destination, tracked.hash))
}

function refused(verdict: Verdict): Decision {
  return { action: verdict.action, reason: verdict.reason, why: verdict.why }
}

function withProcessing(decision: Decision, altered: readonly Processing[]): Decision {
  return { ...decision, processing: [...altered, ...(decision.processing ?? [])] }
}
