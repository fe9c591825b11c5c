module stash.kopano.io/kgol/ksurveyclient-go

go 1.18
