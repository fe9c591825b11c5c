import { pathText, type Path } from '../job/problem.ts'
import { secretsIn } from '../job/secrets.ts'
import type { Problem } from '../problem.ts'

/** Jobs are stored readable, and read back: what looks like a secret and is none of a connection is refused. */
export function secretsInJob(document: unknown): Problem[] {
  return refused(
    'a job',
    secretsIn(document, isAuthOf(/^transfer\.((account|group)_map\.)?(source|destination)\.connection\.auth$/)),
  )
}

/** Maps likewise. */
export function secretsInMap(document: unknown): Problem[] {
  return refused('a map', secretsIn(document, isAuthOf(/^(source|destination)\.connection\.auth$/)))
}

const isAuthOf =
  (there: RegExp) =>
  (path: Path): boolean =>
    path.at(-1) === 'auth' && there.test(path.join('.'))

function refused(what: string, paths: Path[]): Problem[] {
  return paths.map((path) => ({ code: 'credential', property: pathText(path), description: sentence(what, path) }))
}

function sentence(what: string, path: Path): string {
  if (/(^|\.)ldap\.servers\.\d+\.password$/.test(path.join('.')))
    return 'a map holds no password; leave it out, LDAP servers are not asked yet'
  return `looks like a secret, and ${what} is stored readable; secrets belong into the auth of a connection, where they are sealed`
}
