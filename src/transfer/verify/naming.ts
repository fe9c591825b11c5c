import type { Session } from '../../connector/connector.ts'
import type { ListedNaming } from './listed.ts'

export function namingOf(session: Session, sameAs: (name: string) => string): ListedNaming {
  return { keyOf: session.childId ? (item) => item.name : (item) => item.id, sameAs }
}

/** What to take a row's item by: its name on `path` platforms; its id, where one was recorded, or else its name on others. */
export function keyIn(
  session: Session,
  name: string,
  recorded: string | undefined,
): [key: string | undefined, name: string] {
  if (session.childId) return [name, name]
  return [recorded === '' ? undefined : recorded, name]
}
