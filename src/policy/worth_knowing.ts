/** What an execution counts although no status or reason tells of it: the names under which a ledger keeps it. */
export const hardLink = 'hard_link'
export const holesFilled = 'holes_filled'
export const longPath = 'long_path'
