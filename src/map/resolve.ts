import type { PrincipalQuery } from '../connector/connector.ts'
import type { Principal } from '../connector/item.ts'
import { mapRules, type CompiledMap, type MapRule } from './compile.ts'
import { means, queriesFor, sameSid, sameText, sidText, type Sid } from './sid.ts'

export { compileMap, type CompiledMap } from './compile.ts'

/** Who somebody of the source is at the destination. */
export interface Resolution {
  how: 'exception' | MapRule | 'default' | 'excluded' | 'unresolved'
  destination?: Principal
  mayOwn: boolean
  mayBeGranted: boolean
  why: string
}

interface Candidate {
  how: 'exception' | MapRule | 'default'
  queries: readonly PrincipalQuery[]
  /** What the answer must be, besides matching the query. */
  sid?: Sid
}

/**
 * Whom to look for in the destination's directory, in order; the answers go to `choose`. Nothing for somebody excluded.
 *
 * @param directory name of the destination's directory; undefined when it has none. Ids are looked up only when the
 *   principal belongs to that very directory: uid 1000 on two hosts is two people
 */
export function candidates(principal: Principal, map: CompiledMap, directory: string | undefined): PrincipalQuery[] {
  return planned(principal, map, directory).flatMap((candidate) => candidate.queries)
}

/**
 * Decides by what was found: exclusion, then exception, then the automatic rules, then the fallback. The first rule that
 * finds anybody decides, so that an ambiguous e-mail is not settled by a chance name; more than one, or one disabled, is nobody.
 *
 * Who has an id in a directory that both sides share keeps it, whether or not the directory knows more of them.
 *
 * @param found one answer for each of `candidates`, in their order
 */
export function choose(
  principal: Principal,
  map: CompiledMap,
  found: readonly (readonly Principal[])[],
  directory: string | undefined,
): Resolution {
  if (isExcluded(principal, map)) return excluded('the map excludes it')
  const sentTo = exceptionsFor(principal, map)
  let why =
    sentTo.length > 1
      ? `the map sends it to ${sentTo.map(sidText).join(' and to ')}, which is ambiguous`
      : 'nobody matches'
  let undecided = true
  let asked = 0
  for (const candidate of planned(principal, map, directory)) {
    const answers = distinct(
      candidate.queries.flatMap((query, i) =>
        (found[asked + i] ?? []).filter((answer) => answersTo(answer, query, candidate.sid)),
      ),
    )
    asked += candidate.queries.length
    // A number without an account is nobody to ask for, and the same on both sides of one directory.
    if (candidate.how === 'id' && answers.length === 0) answers.push(principal)
    if (candidate.how === 'default') {
      const fallback = only(answers)
      if (typeof fallback === 'string') return unresolved(`${why}; the fallback ${fallback}`)
      return {
        how: 'default',
        destination: fallback,
        mayOwn: true,
        mayBeGranted: false,
        why: `${why}; the fallback stands in`,
      }
    }
    if (!undecided) continue
    if (answers.length === 0) {
      if (candidate.how === 'exception') {
        why = `the map sends it to ${sidText(candidate.sid ?? {})}, whom the destination does not know`
        undecided = false
      }
      continue
    }
    const one = only(answers)
    if (typeof one === 'string') {
      why = `by ${candidate.how}: ${one}`
      undecided = false
      continue
    }
    if (map.exclusions.destination.some((sid) => means(sid, one))) return excluded('the map excludes its counterpart')
    return { how: candidate.how, destination: one, mayOwn: true, mayBeGranted: true, why: `by ${candidate.how}` }
  }
  return unresolved(why)
}

function planned(principal: Principal, map: CompiledMap, directory: string | undefined): Candidate[] {
  if (directory === undefined || isExcluded(principal, map)) return []
  const { type } = principal
  const sentTo = exceptionsFor(principal, map)
  const all: Candidate[] = []
  if (sentTo.length > 0) {
    const [sid] = sentTo
    if (sid && sentTo.length === 1) all.push({ how: 'exception', queries: queriesFor(sid, type), sid })
  } else {
    for (const rule of mapRules) {
      const value = principal[rule]
      if (!map.rules.includes(rule) || value === undefined || value === '') continue
      if (rule === 'id' && principal.directory !== directory) continue
      all.push({ how: rule, queries: [{ type, [rule]: value }] })
    }
  }
  if (map.fallback) all.push({ how: 'default', queries: queriesFor(map.fallback, type), sid: map.fallback })
  return all
}

/** Whom the exceptions make of somebody. More than one is nobody: which of them is meant, only a person can tell. */
function exceptionsFor(principal: Principal, map: CompiledMap): Sid[] {
  const sentTo = map.exceptions.filter(({ source }) => means(source, principal)).map(({ destination }) => destination)
  return sentTo.filter((sid, i) => sentTo.findIndex((other) => sameSid(other, sid)) === i)
}

function isExcluded(principal: Principal, map: CompiledMap): boolean {
  return map.exclusions.source.some((sid) => means(sid, principal))
}

/** A directory that answers with somebody else is not believed. */
function answersTo(answer: Principal, query: PrincipalQuery, sid: Sid | undefined): boolean {
  if (answer.type !== query.type) return false
  if (query.id !== undefined && answer.id !== query.id) return false
  for (const key of ['email', 'username', 'name'] as const) {
    const asked = query[key]
    const known = answer[key]
    if (asked !== undefined && (known === undefined || !sameText(known, asked))) return false
  }
  return sid === undefined || means(sid, answer)
}

/** The one principal, or what is wrong with the answer. */
function only(answers: readonly Principal[]): Principal | string {
  const [one] = answers
  if (!one) return 'is unknown at the destination'
  if (answers.length > 1) return `${answers.length} match, which is ambiguous`
  return one.disabled === true ? `${sidText(one)} is disabled` : one
}

function distinct(answers: readonly Principal[]): Principal[] {
  const seen = new Map<string, Principal>()
  for (const answer of answers) {
    const { directory, id, email, username, name } = answer
    seen.set(JSON.stringify([directory, id ?? [email, username, name]]), answer)
  }
  return [...seen.values()]
}

function excluded(why: string): Resolution {
  return { how: 'excluded', mayOwn: false, mayBeGranted: false, why }
}

function unresolved(why: string): Resolution {
  return { how: 'unresolved', mayOwn: false, mayBeGranted: false, why }
}
