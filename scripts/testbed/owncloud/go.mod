module stevedore/testbed/owncloud

go 1.18

require (
	github.com/owncloud/ocis/v2 v2.0.0
	stash.kopano.io/kgol/kcc-go/v5 v5.0.1
	stash.kopano.io/kgol/oidc-go v0.3.4
	stash.kopano.io/kgol/rndm v1.1.2
)

// Of an identity provider that the testbed never starts; they are not served any more where they were.
replace (
	stash.kopano.io/kgol/kcc-go/v5 => ./kcc-go
	stash.kopano.io/kgol/ksurveyclient-go => ./ksurveyclient-go
	stash.kopano.io/kgol/oidc-go => github.com/libregraph/oidc-go v1.0.0
	stash.kopano.io/kgol/rndm => github.com/longsleep/rndm v1.2.0
)
