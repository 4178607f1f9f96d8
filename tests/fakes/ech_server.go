// A TLS server that takes the server's name encrypted (ECH, RFC 9849), which OpenSSL's does not yet.
//
// Prints its port, then one ECHConfigList a line in base64, then one line for each handshake: whether the name came
// encrypted, and the name; or "failed" and why. Tells each client the same and closes.
package main

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"net"
)

const (
	version = 0xfe0d
	x25519  = 0x0020
	sha256  = 0x0001
	aes128  = 0x0001
)

func u16(b []byte, values ...int) []byte {
	for _, value := range values {
		b = binary.BigEndian.AppendUint16(b, uint16(value))
	}
	return b
}

// An ECHConfig (RFC 9849 §4) with this number and public key.
func config(number byte, public []byte, name string) []byte {
	body := u16([]byte{number}, x25519, len(public))
	body = append(body, public...)
	body = u16(body, 4, sha256, aes128)
	body = append(body, 0, byte(len(name))) // no limit to the name's length
	body = append(body, name...)
	body = u16(body, 0) // extensions
	return append(u16(nil, version, len(body)), body...)
}

func newKey() *ecdh.PrivateKey {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	return key
}

func main() {
	identity := flag.String("identity", "", "PEM file with certificate and key")
	name := flag.String("name", "public.test", "the public name")
	count := flag.Int("keys", 2, "how many keys are made")
	known := flag.Int("known", 1, "how many of them, from the first, are taken")
	retry := flag.Bool("retry", true, "offer the known keys to whoever uses another")
	lie := flag.Bool("lie", false, "have others behind the known keys, so that none is ever taken")
	old := flag.Bool("old", false, "speak TLS 1.2 alone")
	narrow := flag.Bool("narrow", false, "agree on P-256 alone, which takes another hello")
	flag.Parse()

	certificate, err := tls.LoadX509KeyPair(*identity, *identity)
	if err != nil {
		log.Fatal(err)
	}
	settings := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}}
	if *old {
		settings.MaxVersion = tls.VersionTLS12
	}
	if *narrow {
		settings.CurvePreferences = []tls.CurveID{tls.CurveP256}
	}
	var printed []string
	for i := range *count {
		key := newKey()
		one := config(byte(i+1), key.PublicKey().Bytes(), *name)
		list := append(u16(nil, len(one)), one...)
		printed = append(printed, base64.StdEncoding.EncodeToString(list))
		if i >= *known {
			continue
		}
		if *lie {
			key = newKey()
		}
		settings.EncryptedClientHelloKeys = append(settings.EncryptedClientHelloKeys,
			tls.EncryptedClientHelloKey{Config: one, PrivateKey: key.Bytes(), SendAsRetry: *retry})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for _, line := range printed {
		fmt.Println(line)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(connection, settings)
	}
}

func serve(connection net.Conn, settings *tls.Config) {
	defer connection.Close()
	server := tls.Server(connection, settings)
	if err := server.Handshake(); err != nil {
		fmt.Println("failed", err)
		return
	}
	state := server.ConnectionState()
	fmt.Println(state.ECHAccepted, state.ServerName)
	fmt.Fprintln(server, state.ECHAccepted, state.ServerName)
	server.Read(make([]byte, 1)) // until the client is gone
}
