// Package kcc has what the compiler asks for of a client of Kopano, and nothing that answers.
package kcc

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"time"
)

var errAbsent = errors.New("there is no Kopano here")

type (
	KCFlag      uint64
	KCSessionID uint64
	KCError     uint64
)

func (KCError) Error() string { return errAbsent.Error() }

const (
	KCSuccess            KCError = 0
	KCERR_NOT_FOUND      KCError = 1
	KCERR_LOGON_FAILED   KCError = 2
	KCERR_END_OF_SESSION KCError = 3

	KCNoSessionID KCSessionID = 0

	KOPANO_LOGON_NO_UID_AUTH         KCFlag = 1
	KOPANO_LOGON_NO_REGISTER_SESSION KCFlag = 2
	KOPANO_SSO_TYPE_KCOIDC                  = "KCOIDC"

	PR_SURNAME_A    PropID = 1
	PR_GIVEN_NAME_A PropID = 2
)

var (
	SessionAutorefreshInterval time.Duration
	SessionExpirationGrace     time.Duration
	DefaultHTTPClient          *http.Client
)

type PropID uint64

type Props map[PropID]string

func (p Props) Get(id PropID) (string, bool) {
	value, ok := p[id]
	return value, ok
}

type ABEID interface{ ExID() []byte }

func NewABEIDFromBase64([]byte) (ABEID, error) { return nil, errAbsent }

func ABEIDEqual(ABEID, ABEID) bool { return false }

type User struct {
	ID                                           uint64
	Username, MailAddress, FullName, UserEntryID string
	Props                                        Props
}

type LogonResponse struct {
	Er         KCError
	SessionID  KCSessionID
	ServerGUID string
}

type ResolveUserResponse struct {
	Er          KCError
	ID          uint64
	UserEntryID string
}

type GetUserResponse struct {
	Er   KCError
	User *User
}

type KCC struct{}

func NewKCC(interface{}) *KCC { return &KCC{} }

func (*KCC) String() string { return errAbsent.Error() }

func (*KCC) SetClientApp(string, string) error { return errAbsent }

func (*KCC) Logon(context.Context, string, string, KCFlag) (*LogonResponse, error) {
	return nil, errAbsent
}

func (*KCC) SSOLogon(context.Context, string, string, []byte, KCSessionID, KCFlag) (*LogonResponse, error) {
	return nil, errAbsent
}

func (*KCC) ResolveUsername(context.Context, string, KCSessionID) (*ResolveUserResponse, error) {
	return nil, errAbsent
}

func (*KCC) GetUser(context.Context, string, KCSessionID) (*GetUserResponse, error) {
	return nil, errAbsent
}

type Session struct{}

func NewSession(context.Context, *KCC, string, string) (*Session, error) { return nil, errAbsent }

func CreateSession(context.Context, *KCC, KCSessionID, string, bool) (*Session, error) {
	return nil, errAbsent
}

func (*Session) ID() KCSessionID { return KCNoSessionID }

func (*Session) IsActive() bool { return false }

func (*Session) Refresh() error { return errAbsent }

func (*Session) Destroy(context.Context, bool) error { return errAbsent }

func (*Session) Context() context.Context { return context.Background() }

func SetX509KeyPairToTLSConfig(string, string, *tls.Config) (*tls.Config, error) {
	return nil, errAbsent
}
