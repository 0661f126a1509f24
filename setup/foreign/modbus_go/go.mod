module nhipmay/modbuspeer

go 1.16

require github.com/simonvetter/modbus v1.6.4
