import type { Catalog } from '../catalog/catalog.ts'
import { openCatalog } from '../catalog/open.ts'
import { HomeUnusable, missingHome, openHome, type Home } from '../home/home.ts'
import { openKey } from '../home/key.ts'
import { examine, lostCatalog, type Finding } from './examine.ts'
import { acquire } from '../home/lock.ts'
import { namingDamage } from './naming_damage.ts'
import { OpenLedgers, type LedgerViews } from './ledger_views.ts'
import { Unacceptable } from '../problem.ts'

/** A home opened to look and to store: no server is needed for that. */
export interface OpenHome {
  readonly home: Home
  readonly catalog: Catalog
  readonly ledgers: LedgerViews
  close(): Promise<void>
}

/**
 * Opens a home's catalog and ledgers.
 *
 * @param path default: what the environment says, else `.stevedore` in the working directory
 * @param make whether a home is made where there is none
 * @throws HomeUnusable, KeyError, DatabaseUnusable; Unacceptable where there is no home, and none is to be made
 */
export async function openStevedoreHome(path?: string, { make = true } = {}): Promise<OpenHome> {
  if (!make) requireHome(path)
  const home = openHome(path)
  const lost = lostCatalog(home)
  if (lost !== undefined) throw new HomeUnusable(lost)
  const catalog = namingDamage(home.catalog, openCatalog(home.catalog, openKey(home.key)))
  const ledgers = new OpenLedgers(home)
  return {
    home,
    catalog,
    ledgers,
    async close() {
      ledgers.close()
      await catalog.close()
    },
  }
}

/**
 * What is wrong with a home, whether or not it can be opened.
 *
 * @throws Unacceptable where there is no home, or somebody serves one that is to be repaired
 */
export async function* checkUp(path: string | undefined, { repair }: { repair: boolean }): AsyncGenerator<Finding> {
  requireHome(path)
  const home = openHome(path)
  const asked = repair ? await acquire(home) : undefined
  if (asked && 'heldBy' in asked) {
    const description = `process ${asked.heldBy.pid} serves ${home.path}: end it first, so that nothing is moved from under it`
    throw new Unacceptable([{ code: 'served', description }])
  }
  try {
    yield* examine(home)
  } finally {
    asked?.lock.release()
  }
}

function requireHome(path: string | undefined): void {
  const missing = missingHome(path)
  if (missing === undefined) return
  const description = `there is no home at ${missing}: run, up and connection add make one`
  throw new Unacceptable([{ code: 'no_home', description }])
}
