// Command printname prints how it was called.
package main

import (
	"fmt"
	"os"
)

func main() { fmt.Print(os.Args[0]) }
