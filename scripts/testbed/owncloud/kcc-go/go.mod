module stash.kopano.io/kgol/kcc-go/v5

go 1.18
